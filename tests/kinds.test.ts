/** A kind that is added must not be taken for another one, and codecs stand at two doors. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

/** All places in the packages, tests excepted, whose text is such. */
const placesOf = async (pattern: RegExp): Promise<string[]> => {
  const found: string[] = []
  for (const source of ['core', 'onestroke', 'studio'].map((name) => `packages/${name}/src`)) {
    for (const file of await readdir(source, { recursive: true })) {
      if (!/\.tsx?$/.test(file) || /\.test\.|testing/.test(file)) continue
      const text = await readFile(join(source, file), 'utf8')
      for (const [place] of text.matchAll(pattern)) found.push(`${file}: ${place}`)
    }
  }
  return found.sort()
}

it('nothing asks for one kind of prompt and takes the others for the rest', async () => {
  // A switch that ends with `satisfies never`, `LEARNS` or the conditioner itself says what is to be done.
  expect(await placesOf(/\bkind [!=]== '(?:none|class|text)'/g)).toEqual([])
})

it('pictures become points, and points pictures, at both ends of painting, and where points are measured', async () => {
  expect(await placesOf(/\bcodec\.(?:encode|decode)\b/g)).toEqual([
    'evaluation/shared-steps.ts: codec.decode',
    'pipeline/pipeline.ts: codec.decode',
    'pipeline/pipeline.ts: codec.decode',
    'pipeline/pipeline.ts: codec.encode',
    'proof/denoising.ts: codec.encode',
  ])
  expect(await placesOf(/\bkind [!=]== '(?:pixels|latents)'/g)).toEqual([])
})
