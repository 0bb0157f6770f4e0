/** Painting from a picture, and on the way between two, with the shipped student. */
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerateOptions } from '@onestroke/core/pipeline'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pngOf } from '../../packages/onestroke/src/formats/index.js'
import { Model } from '../../packages/onestroke/src/model/index.js'
import { fails, scratch, succeeds, writeFiles } from './testing.js'

const STUDENT = 'models/emoji-16-guided'
const folder = await scratch()
const at = (name: string) => join(folder, name)
const [picture, mask] = [at('disc.png'), at('mask.png')]

/** A red disc on blue. */
const disc = Array.from({ length: 256 }, (_, i) =>
  Math.hypot((i % 16) - 7.5, Math.floor(i / 16) - 7.5) < 5 ? [220, 30, 40] : [40, 80, 200],
).flat()
/** Black on the left, white on the right. */
const halves = Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 0 : 255))

let model: Model
beforeAll(async () => {
  model = await Model.load(STUDENT)
  const of = (pixels: number[], channels: 1 | 3 | 4) =>
    sharp(Buffer.from(pixels), { raw: { width: 16, height: 16, channels } })
      .png()
      .toBuffer()
  await writeFiles(folder, {
    'disc.png': await of(disc, 3),
    'mask.png': await of(halves, 1),
    'holes.png': await of(
      halves.flatMap((white) => [255, 220, 0, 255 - white]),
      4,
    ),
    'text.png': 'This is no picture.',
  })
})
afterAll(() => model.release())

/** The pictures of a grid of one row that is not enlarged, as bytes in rows. */
const row = async (file: string): Promise<number[][]> => {
  const { width } = await sharp(file).metadata()
  return Promise.all(
    Array.from({ length: Math.ceil(width / 18) }, async (_, i) => [
      ...(await sharp(file)
        .extract({ left: 18 * i, top: 0, width: 16, height: 16 })
        .raw()
        .toBuffer()),
    ]),
  )
}
const far = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))
const single = async (how: GenerateOptions) => {
  const { data } = await model.generate(how)
  const png = await pngOf({ data, channels: 3, height: 16, width: 16 })
  return [...(await sharp(png).raw().toBuffer())]
}
const plain = (count: number) => ['-n', String(count), '--columns', String(count), '--scale', '1']

describe('a picture that is edited', () => {
  it('is never its own result, nor is its mask, by whatever name', async () => {
    await symlink(picture, at('link.png'))
    const before = await Promise.all([picture, mask].map((file) => readFile(file)))
    const edit = (out: string) => ['edit', STUDENT, picture, '--mask', mask, '--out', out]
    for (const out of [picture, at('link.png')])
      expect(await fails(edit(out), 2)).toBe(
        `--out ${out} is the picture itself, which would be replaced; choose another --out`,
      )
    expect(await fails(edit(mask), 2)).toMatch(/is the mask itself/)
    expect(await Promise.all([picture, mask].map((file) => readFile(file)))).toEqual(before)
  })
})

describe('edit', () => {
  it('gives the picture back at strength 0, and nothing of it at strength 1', async () => {
    const distances: number[] = []
    for (const strength of ['0', '1']) {
      const out = at(`strength-${strength}.png`)
      await succeeds([
        ...['edit', STUDENT, picture, '--prompt', 'owl', '--strength', strength, '--out', out, ...plain(1)],
      ])
      distances.push(far((await row(out))[0]!, disc))
    }
    expect(distances[0]).toBeLessThanOrEqual(1)
    expect(distances[1]).toBeGreaterThan(100)
  })

  const half = (pixels: readonly number[], right: boolean) =>
    pixels.filter((_, i) => Math.floor(i / 3) % 16 >= 8 === right)

  it('keeps what the mask keeps, paints several of the rest, and says what it did', async () => {
    const out = at('masked.png')
    const args = ['edit', STUDENT, picture, '--mask', mask, '--prompt', 'owl', '--seed', '5', '--json']
    const { stdout } = await succeeds([...args, '--out', out, ...plain(3)])
    expect(JSON.parse(stdout)).toMatchObject({ out, pictures: 3, steps: 4, seed: 5, picture, mask })
    const painted = await row(out)
    for (const pixels of painted) expect(half(pixels, false)).toEqual(half(disc, false))
    expect(far(half(painted[0]!, true), half(painted[1]!, true))).toBeGreaterThan(50)
  })

  it('changes no byte outside of the mask, whatever the picture, its size, and the model', async () => {
    const noise = Buffer.from(disc.map((_, i) => Math.floor(65_536 * Math.abs(Math.sin(i))) % 256))
    const [from, large] = [at('noise.png'), at('large-mask.png')]
    await sharp(noise, { raw: { width: 16, height: 16, channels: 3 } }).toFile(from)
    const white = await sharp({ create: { width: 64, height: 128, channels: 3, background: '#fff' } })
      .extend({ left: 64, background: '#000' })
      .png()
      .toBuffer()
    await writeFiles(folder, { 'large-mask.png': white })
    for (const model of [STUDENT, 'models/emoji-16-teacher']) {
      const out = at('kept.png')
      await succeeds(['edit', model, from, '--mask', large, '--steps', '4', '--out', out, ...plain(1)])
      const [pixels] = await row(out)
      expect(half(pixels!, false)).toEqual(half([...noise], false))
      expect(far(half(pixels!, true), half([...noise], true))).toBeGreaterThan(50)
    }
  })

  it('paints the holes of a mask that has any, whatever the colour of the rest', async () => {
    const painted: number[][] = []
    for (const file of [mask, at('holes.png')]) {
      const args = ['edit', STUDENT, picture, '--mask', file, '--prompt', 'owl', '--seed', '5']
      await succeeds([...args, '--out', at('holes-out.png'), ...plain(1)])
      painted.push((await row(at('holes-out.png')))[0]!)
    }
    expect(painted[1]).toEqual(painted[0])
  })

  it('makes a grid of four that can be looked at, unless it is told otherwise', async () => {
    await succeeds(['edit', STUDENT, picture, '--out', at('four.png')])
    expect((await sharp(at('four.png')).metadata()).width).toBeGreaterThanOrEqual(480)
  })

  const cases: [what: string, args: string[], status: 1 | 2, line: RegExp][] = [
    ['no picture', [], 2, /^missing required argument 'PICTURE'/],
    ['a picture that is missing', [at('gone.png')], 1, /^cannot read the picture .*gone\.png: no such file$/],
    ['a picture that is none', [at('text.png')], 1, /^cannot read the picture .*text\.png: not a picture$/],
    [
      'a mask that is none',
      [picture, '--mask', at('text.png')],
      1,
      /^cannot read the mask .*: not a picture$/,
    ],
    [
      'too much strength',
      [picture, '--strength', '1.5'],
      2,
      /'1\.5' is invalid. must be a number from 0 to 1/,
    ],
    [
      'strength and noise levels',
      [picture, '--strength', '0.5', '--sigmas', '3'],
      2,
      /^strength and noise levels say the same thing twice; leave one of them out$/,
    ],
  ]
  it.each(cases)('refuses %s', async (_, args, status, line) => {
    expect(await fails(['edit', STUDENT, ...args, '--out', at('x.png')], status)).toMatch(line)
  })
})

describe('sample on a way', () => {
  it('begins and ends with the pictures that there are alone', async () => {
    const out = at('way.png')
    const to = ['--to-prompt', 'pizza', '--to-seed', '9']
    const { stdout } = await succeeds([
      ...['sample', STUDENT, '--prompt', 'owl', '--seed', '4', ...to, '--json', '--out', out, ...plain(3)],
    ])
    expect(JSON.parse(stdout)).toMatchObject({ seed: 4, to_prompt: 'pizza', to_seed: 9 })
    const [first, middle, last] = await row(out)
    expect(far(first!, await single({ prompts: ['owl'], seed: 4 }))).toBeLessThanOrEqual(1)
    expect(far(last!, await single({ prompts: ['pizza'], seed: 9 }))).toBeLessThanOrEqual(1)
    const to_middle = { prompt: 'pizza', seed: 9, weights: [0.5] }
    expect(far(middle!, await single({ prompts: ['owl'], seed: 4, to: to_middle }))).toBeLessThanOrEqual(1)
  })

  it('is refused where there is none', async () => {
    const sample = ['sample', STUDENT, '--out', at('x.png')]
    expect(await fails([...sample, '--to-seed', '1', '-n', '1'], 2)).toBe(
      'a way needs at least two pictures; choose -n 2 or more',
    )
    expect(await fails([...sample, '--to-prompt', 'owl', '--prompt', 'cat', '--prompt', 'dog'], 2)).toBe(
      'a way begins at one prompt, not at 2; give --prompt once',
    )
  })
})
