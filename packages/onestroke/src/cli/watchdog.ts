/**
 * A thread that ends the process at a second Ctrl-C (or SIGTERM) where the main thread, which should, does not answer: for
 * instance because a network that a user brought never ends, while onnxruntime keeps the thread that runs it busy.
 */
import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { isMainThread, Worker } from 'node:worker_threads'

/** Signals closer together than this, in milliseconds, count as one. */
export const SAME_SIGNAL = 300
/** Restores a terminal after a bar that was not stopped: clears its line, shows the cursor, wraps lines. */
export const READY = '\r\x1b[K\x1b[?25h\x1b[?7h'
/** Milliseconds in which the main thread may end the process itself. */
const GRACE = 1000

/** Runs beside the command until that ends. */
export const startWatchdog = (): void => {
  const worker = new Worker(new URL(import.meta.url), { execArgv: ['--no-deprecation'] })
  // On systems without these signals in threads, only this watchdog is missing.
  worker.on('error', () => {})
  worker.unref()
}

interface Signal {
  onsignal: () => void
  start(signal: number): void
}

const watch = (): void => {
  // `process.on` receives no signals in a thread; Node's own libuv handle does.
  const { binding } = process as unknown as { binding(name: 'signal_wrap'): { Signal: new () => Signal } }
  const { Signal } = binding('signal_wrap')
  let first: number | undefined
  const heard = () => {
    first ??= performance.now()
    if (performance.now() - first < SAME_SIGNAL) return
    setTimeout(() => {
      writeSync(2, `${isatty(2) ? READY : '\n'}ended at once: the command did not answer\n`)
      process.kill(process.pid, 'SIGKILL')
    }, GRACE)
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    const signal = new Signal()
    signal.onsignal = heard
    signal.start(constants.signals[name])
  }
}

if (!isMainThread) watch()
