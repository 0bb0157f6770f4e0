/**
 * Processes that are measured: each answers every line of JSON on its standard input with one line on its standard
 * output. Peak memory is then that of one side alone.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** The Python that has PyTorch. */
export const PYTHON = process.env.ONESTROKE_PYTHON || 'python3'

/** The asking end. */
export class Child {
  #process
  #lines
  #stderr = ''

  /**
   * @param {string} command
   * @param {readonly string[]} args
   */
  constructor(command, args) {
    this.#process = spawn(command, args, { stdio: 'pipe' })
    this.#process.on('error', ({ message }) => {
      this.#stderr += message
    })
    this.#process.stdin.on('error', () => {})
    this.#process.stderr.on('data', (data) => {
      this.#stderr = (this.#stderr + data).slice(-4000)
    })
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  /**
   * @template T
   * @param {object} request
   * @returns {Promise<T>}
   * @throws Error with what the process said last, if it ends instead of answering.
   */
  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.#process.spawnargs.join(' ')} failed:\n${this.#stderr}`)
    return JSON.parse(value)
  }

  /** Ends the process and waits until it is gone. */
  async close() {
    const { exitCode, signalCode, pid } = this.#process
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const gone = new Promise((resolve) => this.#process.once('close', resolve))
    this.#process.stdin.end()
    await gone
  }
}

/**
 * The answering end, in JavaScript. Returns when standard input ends.
 *
 * @param {(request: any) => Promise<object>} answer
 */
export const serve = async (answer) => {
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
}

/** Most memory that this process ever held, in bytes. */
export const peakMemory = () => {
  try {
    const [, kib] = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kib) return Number(kib) * 1024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}
