/** A distillation of so many minutes: how it shares them out, and what it says of that. */
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Result, scratch, succeeds, tiny, writeFiles } from './testing.js'

const { folder, at } = await scratch()
const inside = { cwd: folder }
/** More pictures than the least that is measured. */
const COUNT = 600

/** Bytes in the format of MNIST: pictures of 8×8 pixels, or their labels. */
const idx = (shape: readonly number[], byteAt: (i: number) => number): Uint8Array => {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(0x800 + shape.length, 0)
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i)
  const size = shape.reduce((product, side) => product * side, 1)
  return Buffer.concat([header, Uint8Array.from({ length: size }, (_, i) => byteAt(i))])
}

const MINUTES = ['distill', 'teacher', 'idx:data', '--out', 'timed', '--minutes', '0.1', '--json']
let timed: Result
// biome-ignore lint/suspicious/noExplicitAny: the run's own state, as it is stored
let progress: any

beforeAll(async () => {
  await writeFiles(at('data'), {
    'train-images-idx3-ubyte': idx([COUNT, 8, 8], (i) => (Math.floor(i / 64) * 20 + ((i * 7) % 16)) % 256),
    'train-labels-idx1-ubyte': idx([COUNT], (i) => i % 3),
  })
  await succeeds(['train', 'idx:data', '--out', 'teacher', ...tiny(64)], inside)
  timed = await succeeds(MINUTES, inside)
  progress = JSON.parse(await readFile(at('timed', 'progress.json'), 'utf8'))
})

/** Seconds of all `50 s`, `8 min` or `1 h` in a text. */
const secondsOf = (text: string): number => {
  const units = { s: 1, min: 60, h: 3600 } as const
  return [...text.matchAll(/(\d+) (s|min|h)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units],
    0,
  )
}

describe('distill of so many minutes', () => {
  it('says at the start how they are shared out, and reports what there is time for', async () => {
    expect(timed.stderr).toMatch(/^6 s: about \d+ s training, .*\d+ (s|min) report$/m)
    const { status, evaluation } = JSON.parse(timed.stdout)
    expect(status).toBe('done')
    const { time, step, checks } = progress
    expect(time).toMatchObject({ settled: true, training: expect.any(Number) })
    expect(step).toBeGreaterThanOrEqual(1)
    const { effort } = time
    const own = effort.feature_steps > 0 ? ['own'] : []
    expect(evaluation.judges.map((judge: { name: string }) => judge.name)).toEqual([
      ...own,
      'random-conv',
      'pixels',
    ])
    expect(evaluation.samples).toBeLessThanOrEqual(effort.report_samples)
    expect(checks.length).toBeLessThanOrEqual(time.checks)
    // What was decided stays decided when the run is asked for again.
    expect((await succeeds(MINUTES, inside)).stderr).toMatch(/is finished; nothing was changed/)
  })

  it('has parts that are no longer than the whole, unless it says how long it will be', () => {
    const { time } = progress
    const [, parts] = /^6 s: about (.+)$/m.exec(timed.stderr)!
    // At least a quarter of it is training, and no more than all of it.
    expect(time.training).toBeGreaterThanOrEqual(6 / 4)
    expect(time.training).toBeLessThanOrEqual(6)
    const { report_seconds } = time.effort
    expect(
      Math.abs(secondsOf(/(\d+ (s|min)) report$/.exec(parts!)![1]!) - report_seconds),
    ).toBeLessThanOrEqual(report_seconds < 100 ? 1 : 30)
    const longer = /takes longer: it will be about (.+)$/m.exec(timed.stderr)?.[1]
    const whole = longer === undefined ? 1.15 * 6 : secondsOf(longer)
    // Where what is measured takes too long, training gets no more than the least.
    if (longer !== undefined) expect(time.training).toBeCloseTo(6 / 4, 6)
    // Each part is rounded to seconds, or to minutes where there are several.
    const rounding = [longer ?? '', ...parts!.split(', ')].reduce(
      (sum, part) => sum + (/min|h/.test(part) ? 30 : 1),
      0,
    )
    expect(secondsOf(parts!)).toBeLessThanOrEqual(whole + rounding)
  })

  it('says by how many of many pictures it judges', () => {
    const { report_real } = progress.time.effort
    // A machine that is fast enough measures them all.
    if (report_real >= COUNT) expect(timed.stderr).not.toContain('pictures judge')
    else
      expect(timed.stderr).toMatch(
        new RegExp(`^samples of the 600 pictures judge: .*the report by ${report_real}$`, 'm'),
      )
  })
})
