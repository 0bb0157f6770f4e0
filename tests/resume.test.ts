/** A run that is killed, however often and at whatever moment, ends with the very bytes of one that was left in peace. */
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { parseSafetensors } from '@onestroke/core/formats'
import { beforeAll, describe, expect, it } from 'vitest'
import { onestroke, onImages, type Result, scratch, succeeds, writePictures } from './cli/testing.js'
import { dice } from './dice.js'

const { folder, at } = await scratch()
const inside = { cwd: folder }

const IMAGES = 1000
const SIZE = ['--preset', 'tiny', '--batch', '8', '--images', String(IMAGES), '--checkpoint-every', '0.2']
const train = (out: string, ...more: string[]) => ['train', 'pictures', '--out', out, ...SIZE, ...more]
const distill = (out: string) => [
  'distill',
  'teacher',
  'pictures',
  '--out',
  out,
  ...onImages(400),
  '--checkpoint-every',
  '0.2',
  '--samples',
  '0',
  '--checks',
  '3',
  '--no-tune',
]

/** A state in the folder of a run, told from any other. */
const stateOf = async (out: string): Promise<string> => {
  const found = await stat(at(out, 'state.safetensors'), { bigint: true }).catch(() => undefined)
  return found ? `${found.ino} ${found.mtimeNs}` : ''
}

const chance = dice('moments of the kills')
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Signals the command at a random moment: soon after it starts (`early`), or soon after it has saved its state. `deaf` no
 * longer hears by then what it says, as `2>&1 | tee` after a Ctrl-C.
 */
const signalled = (
  args: string[],
  out: string,
  signal: NodeJS.Signals,
  { early = false, deaf = false } = {},
): Promise<Result> => {
  let ended = false
  const lurk = async (kill: (signal: NodeJS.Signals) => void, turnAway: () => void) => {
    const first = await stateOf(out)
    while (!early && !ended && (await stateOf(out)) === first) await sleep(5)
    await sleep(chance() * 300)
    if (ended) return
    if (deaf) turnAway()
    kill(signal)
    if (signal !== 'SIGINT') return
    // A terminal and npm both hand a Ctrl-C on: what comes at once is the same one.
    await sleep(20)
    if (!ended) kill(signal)
  }
  return onestroke(args, { ...inside, onStart: lurk }).finally(() => {
    ended = true
  })
}

/** Kills the command `times` times on its way, then lets it finish. */
const killed = async (args: string[], out: string, times: number): Promise<void> => {
  let kills = 0
  for (let i = 0; i < times; i++) {
    const { status, stderr } = await signalled(args, out, 'SIGKILL', { early: i % 3 === 1 })
    if (status !== null && status !== 0)
      throw new Error(`ended with ${status} instead of being killed:\n${stderr}`)
    if (status === null) kills++
    // The first time, it is killed with a state and without a model.
    if (i === 0)
      expect([existsSync(at(out, 'state.safetensors')), existsSync(at(out, 'config.json'))]).toEqual([
        true,
        false,
      ])
  }
  expect(kills).toBeGreaterThanOrEqual(2)
  await succeeds(args, inside)
}

const jsonOf = async (...path: string[]) => JSON.parse(await readFile(at(...path), 'utf8'))

/** All that a run leaves behind is the same in both, but for the seconds it took. */
const expectSame = async (out: string, reference: string): Promise<void> => {
  for (const name of ['model.safetensors', 'samples.png'])
    expect(await readFile(at(out, name)), name).toEqual(await readFile(at(reference, name)))
  const config = await jsonOf(out, 'config.json')
  const { seconds } = config.provenance
  expect(seconds).toBeGreaterThan(0)
  const expected = await jsonOf(reference, 'config.json')
  expect(config).toEqual({ ...expected, provenance: { ...expected.provenance, seconds } })
  const progress = await jsonOf(out, 'progress.json')
  expect(progress).toEqual({ ...(await jsonOf(reference, 'progress.json')), seconds: progress.seconds })
  expect((await readdir(at(out))).sort()).toEqual((await readdir(at(reference))).sort())
}

beforeAll(async () => {
  await writePictures(at('pictures'), { count: 36, say: 'captions' })
  await succeeds(train('teacher'), inside)
})

describe('a training', () => {
  it('is the same each time, also where threads share the work', async () => {
    const [one, other] = ['one', 'other'].map((out) => train(out, '--threads', '2', '--images', '400'))
    await succeeds(one!, inside)
    await succeeds(other!, inside)
    await expectSame('other', 'one')
  })

  it('survives being killed', async () => {
    await killed(train('killed'), 'killed', 5)
    await expectSame('killed', 'teacher')
  })

  it('saves its state on Ctrl-C, says how to go on, and does', async () => {
    const args = train('interrupted', '--json')
    const { status, stdout, stderr } = await signalled(args, 'interrupted', 'SIGINT')
    expect(status).toBe(130)
    const command = `onestroke ${args.join(' ')}`
    expect(stderr).toContain(
      'stopping after this step; the state will be saved (Ctrl-C again to stop at once)\n',
    )
    expect(stderr).toMatch(/\nstopped after (\d+) of 1000 pictures; the state is saved\n/)
    expect(stderr.endsWith(`to go on:\n  ${command}\n`)).toBe(true)
    const json = JSON.parse(stdout)
    expect(json).toEqual({
      status: 'interrupted',
      out: 'interrupted',
      images: IMAGES,
      resume: command,
      images_seen: expect.any(Number),
    })
    expect((await jsonOf('interrupted', 'progress.json')).step * 8).toBe(json.images_seen)
    expect((await signalled(args, 'interrupted', 'SIGTERM', { deaf: true })).status).toBe(130)
    const { stderr: resumed } = await succeeds(args, inside)
    expect(resumed).toMatch(/^going on after \d+ pictures$/m)
    await expectSame('interrupted', 'teacher')
  })

  it('says how to go on also before it has begun, and not to start over', async () => {
    const args = train('early')
    const { status, stderr } = await onestroke([...args, '--force'], {
      ...inside,
      async onStart(kill) {
        while (!existsSync(at('early', 'run.json'))) await sleep(2)
        kill('SIGINT')
      },
    })
    expect(status).toBe(130)
    expect(stderr.endsWith(`to go on:\n  onestroke ${args.join(' ')}\n`)).toBe(true)
  })

  it('of so many minutes keeps its length, once that is known', async () => {
    const args = (out: string) => [
      'train',
      'pictures',
      '--out',
      out,
      '--preset',
      'tiny',
      '--batch',
      '8',
      '--minutes',
      '0.1',
    ]
    // No checkpoint comes within the minute that is the default. On a slow machine the signal may come when all is done.
    let killed: string | undefined
    for (let i = 0; i < 5 && killed === undefined; i++) {
      const { status } = await signalled(args(`timed-${i}`), `timed-${i}`, 'SIGKILL')
      if (status !== 0) killed = `timed-${i}`
    }
    expect(killed).toBeDefined()
    // The state itself: the copy of its counters may not have been written yet.
    const { metadata } = parseSafetensors(await readFile(at(killed!, 'state.safetensors')), 'state')
    const { images } = JSON.parse(metadata.progress!)
    expect(images).toBeGreaterThan(0)
    await succeeds(args(killed!), inside)
    expect((await jsonOf(killed!, 'config.json')).provenance.images_seen).toBe(images)
  })
})

describe('a distillation', () => {
  it('survives being killed', async () => {
    await succeeds(distill('student'), inside)
    await killed(distill('killed-student'), 'killed-student', 3)
    await expectSame('killed-student', 'student')
  })
})
