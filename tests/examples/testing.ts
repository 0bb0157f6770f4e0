/** What the tests of examples share: their own scripts, run as their READMEs say. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expectBuilt } from '../build.js'

expectBuilt('library')

export const pathOf = (example: string): string =>
  fileURLToPath(new URL(`../../examples/${example}`, import.meta.url))

/** `npm run SCRIPT` in an example's folder; rejects with what it said unless it is done. */
export const npmRun = (example: string, script: string) =>
  promisify(execFile)('npm', ['run', script], { cwd: pathOf(example) })
