/** What commands print while they work: bars on a terminal, plain lines in a pipe, always on standard error. */
import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import type { FeatureOptions } from '../evaluation/index.js'
import { READY, SAME_SIGNAL } from './watchdog.js'

/** Seconds between two plain lines. */
const LINE_EVERY = 15

const { stderr } = process

/** The bar that stands on the terminal's last line, if there is one. */
let shown: Bar | undefined

/** Writes a line. A bar makes room for it, and comes back at its next update. */
export const say = (line: string): void => {
  shown?.stop()
  stderr.write(`${line}\n`)
}

/** Prints a warning. It is made printable, because the names in it come from files and may hold anything. */
export const warn = (line: string): void => say(pc.yellow(printable(line)))

/** Characters that move the cursor, change colours or the direction of text, or do worse to a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
const CONTROL = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text from outside, as one line that a terminal can show: `\x1b[2J` becomes `\\u001b[2J`. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** 75 → "1m15s". */
export const duration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return '…'
  const s = Math.round(seconds)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, '0')}s`
  return `${Math.floor(s / 3600)}h${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`
}

/** A job with a known end. Shows rate and time left. */
export class Bar {
  #bar: SingleBar | undefined
  #begin = performance.now()
  #first: number | undefined
  #last = performance.now()

  constructor(
    readonly what: string,
    readonly unit = 'images',
  ) {}

  /** @param note what else there is to know, for instance the loss. */
  update(done: number, total: number, note = ''): void {
    const now = performance.now()
    if (this.#first === undefined) {
      this.#first = done
      this.#begin = now
    }
    const rate = (done - this.#first) / ((now - this.#begin) / 1000)
    const left = (total - done) / rate
    const tail = `${rate > 0 && Number.isFinite(rate) ? `${rate.toPrecision(3)} ${this.unit}/s` : '…'} · ${duration(left)} left${note ? ` · ${note}` : ''}`
    if (stderr.isTTY) {
      if (!this.#bar) {
        shown?.stop()
        shown = this
        this.#bar = new SingleBar({
          format: (_, { progress }, { tail }) =>
            barLine(this.what, progress, String(tail), stderr.columns || USUAL_COLUMNS),
          hideCursor: true,
          fps: 5,
          stream: stderr,
          clearOnComplete: true,
          // `handleInterrupts` stops it.
          gracefulExit: false,
        })
        this.#bar.start(total, done, { tail })
      }
      this.#bar.setTotal(total)
      this.#bar.update(done, { tail })
    } else if (now - this.#last > LINE_EVERY * 1000 || done >= total) {
      this.#last = now
      say(`${this.what}: ${done}/${total} ${this.unit} · ${tail}`)
    }
  }

  /** Removes the bar from the terminal. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
    if (shown === this) shown = undefined
  }
}

/** Columns of a terminal that does not tell its width. */
const USUAL_COLUMNS = 80
/** Most characters of a bar, and the fewest that are of use. */
const [LONGEST_BAR, SHORTEST_BAR] = [24, 6]

/** A bar and what is said beside it, on one line that is shorter than the terminal is wide: a full one would break. */
export const barLine = (what: string, progress: number, tail: string, columns: number): string => {
  const rest = `${Math.floor(progress * 100)}% · ${tail}`
  const room = columns - 1 - (what.length + rest.length + 2)
  const size = Math.min(LONGEST_BAR, Math.max(SHORTEST_BAR, room))
  const full = Math.round(progress * size)
  const line = `${what} ${'█'.repeat(full)}${'░'.repeat(size - full)} ${rest}`
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`
}

/** Runs `work`, which may need a feature network, with a bar while one is being trained. */
export const showingFeatures = async <T>(
  work: (notify: Required<Pick<FeatureOptions, 'onTrain' | 'onUncached'>>) => Promise<T>,
): Promise<T> => {
  const bar = new Bar('training a feature network', 'steps')
  try {
    return await work({
      onTrain: (step, steps) => bar.update(step, steps),
      onUncached: (reason) =>
        say(
          `the feature network will be trained again next time: ${reason} (ONESTROKE_CACHE names another folder)`,
        ),
    })
  } finally {
    bar.stop()
  }
}

/** What the next Ctrl-C (or SIGTERM) does instead of ending the process. */
let polite: (() => void) | undefined

/** Installs the signal handlers; called once, by `main`. An interrupted command always exits with 130. */
export const handleInterrupts = (): void => {
  let asked = Number.NEGATIVE_INFINITY
  const handler = () => {
    // If npm's shell has replaced itself by the command, npm sends a second signal for one Ctrl-C.
    if (performance.now() - asked < SAME_SIGNAL) return
    const ask = polite
    polite = undefined
    if (!ask) process.exit(130)
    asked = performance.now()
    ask()
  }
  process.on('SIGINT', handler).on('SIGTERM', handler)
  process.on('exit', (status) => {
    // A thread that never ends, such as one that runs an endless network, keeps the process alive: one more signal ends it.
    process.off('SIGINT', handler).off('SIGTERM', handler)
    shown?.stop()
    // Also where a bar was not stopped as it should be: the cursor shows, and lines wrap.
    if (stderr.isTTY && status !== 0) stderr.write(READY)
  })
}

/** From now on, the first Ctrl-C calls `ask`, and a second one ends the process at once, by the watchdog if need be. */
export const whenInterrupted = (ask: (() => void) | undefined): void => {
  polite = ask
}

/** Thrown when Ctrl-C ended a run whose state is safe: exit status 130. */
export class Interrupted extends Error {}

/** The running command, quoted for a shell. */
export const commandLine = (words = process.argv.slice(2)): string =>
  ['onestroke', ...words].map(quote).join(' ')

/** The command that resumes this one: the same without `--force`, which would start over. */
export const resumeLine = (): string =>
  commandLine(process.argv.slice(2).filter((word) => word !== '--force'))

const quote = (word: string): string =>
  /^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** A table on a terminal: columns aligned, numbers to the right. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return [pc.bold(line(head)), ...rows.map(line)].join('\n')
}
