/** A kind of prompt that is added must not be taken for another one. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('nothing asks for one kind of prompt and takes the others for the rest', async () => {
  const asked: string[] = []
  for (const source of ['core', 'onestroke', 'studio'].map((name) => `packages/${name}/src`)) {
    for (const file of await readdir(source, { recursive: true })) {
      if (!/\.tsx?$/.test(file) || /\.test\.|testing/.test(file)) continue
      const text = await readFile(join(source, file), 'utf8')
      for (const [found] of text.matchAll(/\bkind [!=]== '(?:none|class|text)'/g))
        asked.push(`${file}: ${found}`)
    }
  }
  // A switch that ends with `satisfies never`, `LEARNS` or the conditioner itself says what is to be done.
  expect(asked).toEqual([])
})
