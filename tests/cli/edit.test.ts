/** Painting from a picture, and on the way between two, with the shipped student. */
import { createHash } from 'node:crypto'
import { readFile, stat, symlink } from 'node:fs/promises'
import type { GenerateOptions } from '@onestroke/core/pipeline'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyPipe, hasPipes } from '../../packages/onestroke/src/data/testing.js'
import { pngOf } from '../../packages/onestroke/src/formats/index.js'
import { Model } from '../../packages/onestroke/src/model/index.js'
import { fails, scratch, succeeds, writeFiles } from './testing.js'

const STUDENT = 'models/emoji-16-guided'
const { folder, at } = await scratch()
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

describe.skipIf(!hasPipes)('a pipe', () => {
  it('is no picture, no mask and no archive, and nobody waits for one', async () => {
    const pipe = emptyPipe(folder, 'pipe')
    const edit = ['edit', STUDENT, '--out', at('piped.png')]
    expect(await fails([...edit, pipe], 1)).toBe(`cannot read the picture ${pipe}: not a regular file`)
    expect(await fails([...edit, picture, '--mask', pipe], 1)).toBe(
      `cannot read the mask ${pipe}: not a regular file`,
    )
    expect(await fails(['info', `tar:${pipe}`], 2)).toMatch(`${pipe} is not a file; DATA is `)
    await expect(stat(at('piped.png'))).rejects.toThrow('ENOENT')
  })
})

describe('edit', () => {
  it('gives the picture back at strength 0, and nothing of it at strength 1', async () => {
    const distances: number[] = []
    for (const strength of ['0', '1']) {
      const out = at(`strength-${strength}.png`)
      await succeeds([
        'edit',
        STUDENT,
        picture,
        '--prompt',
        'owl',
        '--strength',
        strength,
        '--out',
        out,
        ...plain(1),
      ])
      distances.push(far((await row(out))[0]!, disc))
    }
    expect(distances[0]).toBeLessThanOrEqual(1)
    expect(distances[1]).toBeGreaterThan(100)
  })

  it.each([16, 32])(
    'keeps colours and shapes by default at %i pixels, and paints something new',
    async (side) => {
      const [given, out] = [at(`blue-${side}.png`), at(`default-${side}.png`)]
      const dot = `<svg width="${side}" height="${side}"><circle cx="50%" cy="50%" r="38%" fill="#1e5ad2"/></svg>`
      await sharp({ create: { width: side, height: side, channels: 3, background: '#fff' } })
        .composite([{ input: Buffer.from(dot) }])
        .removeAlpha()
        .toFile(given)
      /** Mean red, green and blue of a square of an eighth of the side, from a place given in shares of it. */
      const means = async (file: string, left: number, top: number) => {
        const [width, height] = [side / 8, side / 8]
        const square = await sharp(file)
          .extract({ left: left * side, top: top * side, width, height })
          .png()
          .toBuffer()
        return (await sharp(square).stats()).channels.map(({ mean }) => mean)
      }
      for (const prompt of ['cat face', 'pizza']) {
        const model = `models/emoji-${side}-student`
        await succeeds(['edit', model, given, '--prompt', prompt, '--seed', '1', '--out', out, ...plain(1)])
        expect(Math.min(...(await means(out, 0, 0)))).toBeGreaterThan(200)
        for (const [left, top] of [
          [0.25, 0.4375],
          [0.4375, 0.4375],
          [0.625, 0.4375],
        ] as const) {
          // Cats are yellow, and pizzas red.
          const [red, , blue] = await means(out, left, top)
          expect(blue! - red!).toBeGreaterThan(15)
        }
        const [before, after] = await Promise.all(
          [given, out].map(async (file) => [...(await sharp(file).raw().toBuffer())]),
        )
        expect(far(before!, after!)).toBeGreaterThan(40)
      }
    },
  )

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

  it('changes no byte outside of the mask in what sample wrote, round after round, by the README’s commands', async () => {
    const readme = await readFile('README.md', 'utf8')
    /** The arguments of a command in the README, with the files in this test's folder. */
    const command = (begin: string, files: Record<string, string>): string[] => {
      const line = readme
        .split('\n')
        .find((one) => one.replace(/ +/g, ' ').startsWith(`npx onestroke ${begin}`))!
      const words = line.replace(/#.*/, '').match(/"[^"]*"|\S+/g)!
      return words.slice(2).map((word) => files[word] ?? word.replaceAll('"', ''))
    }
    const white = { left: 96, top: 144, width: 64, height: 48 }
    const within = (x: number, y: number) =>
      x >= white.left && x < white.left + white.width && y >= white.top && y < white.top + white.height
    const mouth = await sharp({
      create: { width: white.width, height: white.height, channels: 3, background: '#fff' },
    })
      .extend({ left: 96, right: 96, top: 144, bottom: 64, background: '#000' })
      .png()
      .toBuffer()
    await writeFiles(folder, { 'mouth.png': mouth })
    /** The bytes outside of the mask, and those inside, of the 256 × 256 pixels at a place. */
    const parts = async (file: string, left = 0, top = 0): Promise<[outside: string, inside: string]> => {
      const { data, info } = await sharp(file)
        .extract({ left, top, width: 256, height: 256 })
        .raw()
        .toBuffer({ resolveWithObject: true })
      const split = [createHash('sha256'), createHash('sha256')]
      for (let at = 0; at < data.length; at += info.channels) {
        const pixel = at / info.channels
        split[within(pixel % 256, Math.floor(pixel / 256)) ? 1 : 0]!.update(data.subarray(at, at + 3))
      }
      return split.map((hash) => hash.digest('hex')) as [string, string]
    }
    await succeeds(
      command('sample models/emoji-32-student --prompt "cat face" -n 1', { 'cat.png': at('cat.png') }),
    )
    expect(await sharp(at('cat.png')).metadata()).toMatchObject({ width: 256, height: 256 })
    const [outside, inside] = await parts(at('cat.png'))
    const edit = (from: string, to: string) =>
      command('edit models/emoji-32-student cat.png --mask', {
        'cat.png': at(from),
        'mouth.png': at('mouth.png'),
        'mouths.png': at(to),
      })
    await succeeds(edit('cat.png', 'mouths.png'))
    for (const [left, top] of [
      [0, 0],
      [258, 0],
      [0, 258],
      [258, 258],
    ] as const) {
      const [kept, painted] = await parts(at('mouths.png'), left, top)
      expect(kept).toBe(outside)
      expect(painted).not.toBe(inside)
    }
    let from = 'cat.png'
    for (const round of [1, 2, 3]) {
      const to = `round-${round}.png`
      await succeeds([...edit(from, to), '-n', '1', '--seed', String(round)])
      const [kept, painted] = await parts(at(to))
      expect(kept).toBe(outside)
      expect(painted).not.toBe((await parts(at(from)))[1])
      from = to
    }
  })

  it('tells in the PNG that it is an edit, of what, and how', async () => {
    const told = async (name: string, args: readonly string[]) => {
      await succeeds(['edit', STUDENT, picture, '--out', at(name), ...args, ...plain(1)])
      return JSON.parse((await succeeds(['info', at(name), '--json'])).stdout)
    }
    const file = async (path: string, name: string) => ({
      name,
      sha256: createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    })
    const [from, by] = [await file(picture, 'disc.png'), await file(mask, 'mask.png')]
    const kind = 'edited picture'
    expect(await told('told.png', [])).toMatchObject({
      kind,
      edit: { strength: 0.3, picture: from, mask: null },
    })
    expect(await told('told-mask.png', ['--mask', mask])).toMatchObject({
      kind,
      edit: { strength: 1, picture: from, mask: by },
    })
    expect((await told('told-sigmas.png', ['--sigmas', '3'])).edit).toEqual({ picture: from, mask: null })
    expect((await succeeds(['info', at('told-mask.png')])).stdout).toContain(
      `strength 1, of disc.png (sha256 ${from.sha256}), mask mask.png (sha256 ${by.sha256})`,
    )
    expect(await readFile(at('told.png'), 'latin1')).not.toContain(folder)
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
      'sample',
      STUDENT,
      '--prompt',
      'owl',
      '--seed',
      '4',
      ...to,
      '--json',
      '--out',
      out,
      ...plain(3),
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
      'an interpolation needs at least two pictures; choose -n 2 or more',
    )
    expect(await fails([...sample, '--to-prompt', 'owl', '--prompt', 'cat', '--prompt', 'dog'], 2)).toBe(
      'an interpolation begins at one prompt, not at 2; give --prompt once',
    )
  })
})
