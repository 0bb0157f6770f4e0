/** What the tests of the command line share: the real program as a process, and pictures to feed it. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { pngOf } from '../../packages/onestroke/src/formats/index.js'
import { expectBuilt } from '../build.js'

expectBuilt('library')

const PROGRAM = fileURLToPath(new URL('../../packages/onestroke/bin/onestroke.js', import.meta.url))

export interface Result {
  /** Exit status; null if a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  /** Of the largest file that it can write. */
  readonly fileKilobytes?: number
  /** Called when the process runs, to send it signals, or to hear no more of what it says on standard error; with its id. */
  onStart?(kill: (signal: NodeJS.Signals) => void, turnAway: () => void, pid: number): void
  /** Called with all that it has said on standard error so far. */
  onSaid?(text: string, kill: (signal: NodeJS.Signals) => void): void
}

/** Runs `onestroke` with these arguments, to its end. */
export const onestroke = (
  args: readonly string[],
  { cwd, fileKilobytes, onStart, onSaid }: RunOptions = {},
): Promise<Result> =>
  new Promise((resolve, reject) => {
    const command = [process.execPath, PROGRAM, ...args]
    // A shell's limits are those of what it becomes, in blocks of 512 bytes.
    if (fileKilobytes !== undefined)
      command.unshift('sh', '-c', `ulimit -f ${2 * fileKilobytes}; exec "$@"`, 'sh')
    const child = spawn(command[0]!, command.slice(1), {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    })
    const said = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text
      onSaid?.(said.stderr, (signal) => child.kill(signal))
    })
    child.on('spawn', () =>
      onStart?.(
        (signal) => child.kill(signal),
        () => child.stderr.destroy(),
        child.pid!,
      ),
    )
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, ...said }))
  })

/** A process that has the program loaded and runs one command line after another; none before the first. */
let runner: ChildProcess | undefined
let turn: Promise<unknown> = Promise.resolve()

/** Runs `onestroke` as a process of its own would, but for the time that this takes to start. */
const quickly = (args: readonly string[], cwd?: string): Promise<Result> => {
  const result = turn.then(
    () =>
      new Promise<Result>((resolve, reject) => {
        runner ??= fork(fileURLToPath(new URL('./runner.js', import.meta.url)), {
          silent: true,
          execArgv: [],
          env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
        })
        const child = runner
        let crash = ''
        const hear = (text: Buffer) => {
          crash += text
        }
        const fail = () => {
          runner = undefined
          reject(new Error(`onestroke ${args.join(' ')} ended its process:\n${crash}`))
        }
        child.stderr!.on('data', hear)
        child.once('close', fail)
        child.once('message', (message) => {
          child.stderr!.off('data', hear)
          child.off('close', fail)
          resolve(message as Result)
        })
        // It may run since an earlier file, before a test has set one of these.
        const settings = Object.entries(process.env).filter(([name]) => name.startsWith('ONESTROKE_'))
        child.send({ args, cwd, env: Object.fromEntries(settings) })
      }),
  )
  turn = result.catch(() => {})
  return result
}

/** Commands that have processes of their own where they are to succeed: they use what stays in a process. */
const LONG = new Set(['train', 'distill', 'evaluate', 'serve', 'studio', 'demo'])

const chosen = (args: readonly string[], { cwd, ...more }: RunOptions, isLong: boolean): Promise<Result> =>
  isLong || Object.keys(more).length > 0 ? onestroke(args, { cwd, ...more }) : quickly(args, cwd)

/** Fails with what the program said, unless it is done. */
export const succeeds = async (args: readonly string[], options: RunOptions = {}): Promise<Result> => {
  const result = await chosen(args, options, LONG.has(args[0]!) || args.includes('--help'))
  if (result.status !== 0)
    throw new Error(`onestroke ${args.join(' ')} ended with ${result.status}:\n${result.stderr}`)
  return result
}

/** Expects one line on standard error, nothing on standard output, and this exit status. Returns the line. */
export const fails = async (
  args: readonly string[],
  status: 1 | 2,
  options: RunOptions = {},
): Promise<string> => {
  const result = await chosen(args, options, false)
  expect({ ...result, lines: result.stderr.split('\n').length - 1 }).toEqual({
    status,
    stdout: '',
    stderr: expect.stringMatching(/^error: .+\n$/),
    lines: 1,
  })
  return result.stderr.slice('error: '.length).trimEnd()
}

/** A folder for one test file's results, and the paths of what is in it. */
export const scratch = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onestroke-cli-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return { folder, at: (...names: string[]): string => join(folder, ...names) }
}

const COLOURS = { red: [1, -1, -1], green: [-1, 0.6, -1], blue: [-0.8, -0.8, 1] } as const
const SHAPES = {
  disc: (x: number, y: number, r: number) => Math.hypot(x - 3.5, y - 3.5) < r,
  square: (x: number, y: number, r: number) => Math.max(Math.abs(x - 3.5), Math.abs(y - 3.5)) < r,
  cross: (x: number, y: number, r: number) => Math.min(Math.abs(x - 3.5), Math.abs(y - 3.5)) < r - 1.5,
}

export interface PictureOptions {
  readonly count: number
  /** How what they show is told: `disc-3.txt`, sub-folders `disc/`, or not at all. */
  readonly say?: 'captions' | 'classes' | 'nothing'
}

/** PNGs of 8×8 pixels: a coloured shape of one of four sizes on white. */
export const writePictures = async (
  folder: string,
  { count, say = 'nothing' }: PictureOptions,
): Promise<void> => {
  const [colours, shapes] = [Object.entries(COLOURS), Object.entries(SHAPES)]
  for (let i = 0; i < count; i++) {
    const [colour, rgb] = colours[i % 3]!
    const [shape, contains] = shapes[Math.floor(i / 3) % 3]!
    const radius = 1.7 + 0.6 * (Math.floor(i / 9) % 4)
    const data = new Float32Array(3 * 64)
    for (let at = 0; at < data.length; at++) {
      const [x, y] = [at % 8, Math.floor(at / 8) % 8]
      data[at] = contains(x, y, radius) ? rgb[Math.floor(at / 64)]! : 1
    }
    const name = `${say === 'classes' ? `${shape}/` : ''}${String(i).padStart(3, '0')}`
    const png = await pngOf({ data, channels: 3, height: 8, width: 8 })
    await writeFiles(folder, {
      [`${name}.png`]: png,
      ...(say === 'captions' && { [`${name}.txt`]: `${colour} ${shape}` }),
    })
  }
}

export const writeFiles = async (
  folder: string,
  files: Record<string, Uint8Array | string>,
): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

/** Options of a training on so many pictures, a few at a time. */
export const onImages = (images: number, batch = 8): string[] => [
  '--batch',
  String(batch),
  '--images',
  String(images),
]

/** The same for a network of the smallest kind. */
export const tiny = (images: number): string[] => ['--preset', 'tiny', ...onImages(images)]

/** Options of a `distill` that measures nothing on its way: no checks, no search for noise levels. */
export const UNCHECKED: readonly string[] = ['--checks', '0', '--no-tune']
/** The same without a report. */
export const UNMEASURED: readonly string[] = ['--samples', '0', ...UNCHECKED]
