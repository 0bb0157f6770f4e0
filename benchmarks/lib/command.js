/** The command line, run as a user runs it. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ONESTROKE = fileURLToPath(new URL('../../packages/onestroke/bin/onestroke.js', import.meta.url))

/**
 * Runs `onestroke …args` to its end, its progress on our standard error.
 *
 * @param {readonly string[]} args
 * @returns {Promise<{ stdout: string, seconds: number, peak_memory_mib: number | null }>} what it printed, how long the
 *   whole process took, and the most memory that it held (on Linux; looked at every half second)
 * @throws Error if it fails
 */
export const onestroke = async (...args) => {
  const begin = performance.now()
  const child = spawn(process.execPath, [ONESTROKE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  let peak_memory_mib = /** @type {number | null} */ (null)
  const look = setInterval(() => {
    peak_memory_mib = peakOf(child.pid) ?? peak_memory_mib
  }, 500)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(look)
  if (code !== 0) throw new Error(`onestroke ${args.join(' ')} ended with status ${code}`)
  return { stdout, seconds: (performance.now() - begin) / 1000, peak_memory_mib }
}

/** @param {number | undefined} pid */
const peakOf = (pid) => {
  try {
    const [, kib] = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib ? Math.round(Number(kib) / 1024) : undefined
  } catch {
    return undefined
  }
}
