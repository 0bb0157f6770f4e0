/** Which picture a seed is, what kind of file holds it, and what that file tells of it. */
import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { readRecipe } from '../../packages/core/src/pipeline/index.js'
import { fails, onestroke, scratch, succeeds } from './testing.js'

const STUDENT = 'models/emoji-16-student'
const { at } = await scratch()
const sample = (...more: string[]) => ['sample', STUDENT, '--scale', '1', ...more]
const pixels = async (file: string, left = 0): Promise<number[]> => [
  ...(await sharp(file).extract({ left, top: 0, width: 16, height: 16 }).raw().toBuffer()),
]

describe('a seed', () => {
  it('is one picture, alone or as one of several', async () => {
    await succeeds(
      sample('--prompt', 'owl', '--seed', '5', '-n', '3', '--columns', '3', '--out', at('three.png')),
    )
    for (const k of [0, 1, 2]) {
      await succeeds(sample('--prompt', 'owl', '--seed', String(5 + k), '-n', '1', '--out', at(`${k}.png`)))
      expect(await pixels(at('three.png'), 18 * k)).toEqual(await pixels(at(`${k}.png`)))
    }
    expect(await pixels(at('0.png'))).not.toEqual(await pixels(at('1.png')))
  })

  it.each(['random', '-1'])('can be drawn, and is told: %s', async (seed) => {
    const { stdout } = await succeeds(
      sample('--prompt', 'owl', '--seed', seed, '-n', '1', '--out', at('drawn.png'), '--json'),
    )
    const drawn = JSON.parse(stdout) as { seed: number }
    expect(Number.isInteger(drawn.seed)).toBe(true)
    const picture = await pixels(at('drawn.png'))
    await succeeds(
      sample('--prompt', 'owl', '--seed', String(drawn.seed), '-n', '1', '--out', at('again.png')),
    )
    expect(await pixels(at('again.png'))).toEqual(picture)
  })

  it('is told where the way leads to one that was drawn', async () => {
    const way = ['--prompt', 'owl', '--seed', '3', '--to-seed', '-1', '-n', '2', '--out', at('way.png')]
    const { stderr } = await succeeds(sample(...way))
    const drawn = Number(/ seed 3 to (\d+)$/m.exec(stderr)?.[1])
    expect(readRecipe(await readFile(at('way.png')))?.to?.seed).toBe(drawn)
  })

  it('is a whole number up to 4294967295', async () => {
    for (const seed of ['4294967296', '1.5', 'owl', '-2'])
      expect(await fails(sample('--seed', seed, '--out', at('x.png')), 2)).toMatch(
        /must be a whole number from 0 to 4294967295, or -1 or random, which draw one\.$/,
      )
    await succeeds(sample('--seed', '4294967295', '-n', '2', '--out', at('last.png')))
    expect(readRecipe(await readFile(at('last.png')))?.seeds).toEqual([4294967295, 0])
  })
})

describe('a file of pictures', () => {
  it.each([
    ['jpg', 'jpeg'],
    ['JPEG', 'jpeg'],
    ['webp', 'webp'],
    ['avif', 'heif'],
    ['png', 'png'],
  ])('is of the kind that its name says: .%s', async (ending, format) => {
    await succeeds(sample('--prompt', 'owl', '--seed', '2', '-n', '1', '--out', at(`x.${ending}`)))
    await succeeds(sample('--prompt', 'owl', '--seed', '2', '-n', '1', '--out', at('exact.png')))
    expect((await sharp(at(`x.${ending}`)).metadata()).format).toBe(format)
    const exact = await pixels(at('exact.png'))
    const error = (await pixels(at(`x.${ending}`))).map((value, i) => (value - exact[i]!) ** 2)
    expect(Math.sqrt(error.reduce((a, b) => a + b) / error.length)).toBeLessThan(8)
  })

  it.each(['x.gif', 'x', 'x.tar.gz'])('is refused where it would be no such kind: %s', async (name) => {
    expect(await fails(sample('--out', at(name)), 2)).toMatch(
      /^cannot write .*; choose one of \.png, \.jpg, \.jpeg, \.webp, \.avif$/,
    )
  })

  it('is told by a name that a terminal can show, and so is a prompt', async () => {
    const name = 'a\x1b[31mb.png'
    const { stderr } = await succeeds(
      sample('--prompt', '🧯\x1b🧯', '-n', '1', '--steps', '1', '--out', at(name)),
    )
    expect(stderr).toContain(`${at('a\\u001b[31mb.png')}: 1 picture, 1 step of consistency`)
    expect(stderr).toContain('finds no word in "🧯\\u001b🧯"')
    expect(stderr).not.toContain('\x1b')
    expect((await sharp(at(name)).metadata()).format).toBe('png')
  })

  it('tells how it was painted, if it is a PNG', async () => {
    await succeeds(
      sample('--prompt', 'owl', '--prompt', 'żółw', '-n', '2', '--steps', '2', '--out', at('told.png')),
    )
    const { stdout } = await succeeds(['info', at('told.png'), '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'picture',
      version: expect.any(String),
      model: 'emoji-16-student',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      prompts: ['owl', 'żółw'],
      seeds: [0, 1],
      num_inference_steps: 2,
      solver: 'consistency',
    })
    await succeeds(sample('--out', at('silent.webp')))
    expect(await fails(['info', at('silent.webp')], 1)).toMatch(
      /does not tell how it was painted; only a PNG/,
    )
  })
})

describe('a prompt', () => {
  it('may hold emoji: they are read as their names, or it is said that they are not', async () => {
    await succeeds(sample('--prompt', 'cat face', '-n', '1', '--out', at('cat.png')))
    const known = await succeeds(sample('--prompt', '🐱', '-n', '1', '--out', at('emoji.png')))
    expect(known.stderr).not.toContain('note:')
    expect(await pixels(at('emoji.png'))).toEqual(await pixels(at('cat.png')))
    const { stdout, stderr } = await succeeds(
      sample('--prompt', '🧯', '-n', '1', '--out', at('unknown.png'), '--json'),
    )
    const note = 'the model finds no word in "🧯"; it paints as without a prompt'
    expect(stderr).toContain(`note: ${note}`)
    expect(JSON.parse(stdout)).toMatchObject({ warnings: [note] })
  })

  it('that is far too long is refused before anything is loaded', async () => {
    const { status, stderr } = await onestroke(sample('--prompt', 'a'.repeat(30_000), '--out', at('x.png')))
    expect(status).toBe(2)
    expect(stderr).toMatch(/^error: a command line of 30,\d{3} bytes is too long; use at most 20,000/)
    // Three bytes a letter.
    const { status: far, stderr: said } = await onestroke(
      sample('--prompt', '猫'.repeat(15_000), '--out', at('x.png')),
    )
    expect(far).toBe(2)
    expect(said).toMatch(/^error: a command line of 45,\d{3} bytes is too long; use at most 20,000/)
    const many = Array.from({ length: 9 }, () => ['--prompt', 'b'.repeat(9000)]).flat()
    expect((await onestroke(sample(...many, '--out', at('x.png')))).status).toBe(2)
    const long = await succeeds(sample('--prompt', 'a'.repeat(15_000), '-n', '1', '--out', at('long.png')))
    expect(long.stderr.length).toBeLessThan(400)
  })
})
