/** The command line, run as a user runs it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const ONESTROKE = fileURLToPath(new URL('../../packages/onestroke/bin/onestroke.js', import.meta.url))

/**
 * Runs `onestroke …args` to its end, its progress on our standard error.
 *
 * @param {readonly string[]} args
 * @returns {Promise<{ stdout: string, seconds: number }>} what it printed, and how long the whole process took
 * @throws Error if it fails
 */
export const onestroke = async (...args) => {
  const begin = performance.now()
  const child = spawn(process.execPath, [ONESTROKE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`onestroke ${args.join(' ')} ended with status ${code}`)
  return { stdout, seconds: (performance.now() - begin) / 1000 }
}
