/** examples/node, run as its README says but for where it writes. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { expect, it, vi } from 'vitest'
import { npmRun, pathOf } from './testing.js'

vi.setConfig({ testTimeout: 120_000 })

/** The pictures of a grid of `pngGrid`, RGB. */
const cells = async (path: string, columns: number, rows: number) => {
  const gap = 2
  const { info } = await sharp(path).toBuffer({ resolveWithObject: true })
  const [width, height] = [(info.width + gap) / columns - gap, (info.height + gap) / rows - gap]
  return Promise.all(
    Array.from({ length: columns * rows }, async (_, i) => {
      const [left, top] = [(i % columns) * (width + gap), Math.floor(i / columns) * (height + gap)]
      return [...(await sharp(path).extract({ left, top, width, height }).removeAlpha().raw().toBuffer())]
    }),
  )
}

const far = (a: readonly number[], b: readonly number[]) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length)

it('paints, goes from one prompt to another, and says how long a picture takes', async () => {
  const out = await mkdtemp(join(tmpdir(), 'onestroke-example-'))
  try {
    await npmRun('node', 'model')
    const { stdout } = await promisify(execFile)(process.execPath, ['main.js', 'model', out], {
      cwd: pathOf('node'),
    })
    expect(stdout).toMatch(
      /^pictures\.png, way\.png; a picture in one step: [\d.]+ ms \(95 %: [\d.]+ ms\)\n$/,
    )
    const pictures = await cells(join(out, 'pictures.png'), 4, 2)
    for (const [i, picture] of pictures.entries())
      for (const other of pictures.slice(i + 1)) expect(far(picture, other)).toBeGreaterThan(10)
    const way = await cells(join(out, 'way.png'), 8, 1)
    const total = far(way[0]!, way[7]!)
    expect(total).toBeGreaterThan(30)
    // In the middle of the way, neither end; each step is a part of it.
    for (let i = 1; i < way.length; i++) expect(far(way[i - 1]!, way[i]!)).toBeLessThan(total)
  } finally {
    await rm(out, { recursive: true, force: true })
  }
})
