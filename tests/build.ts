/** Whether what tests start from the build was built from the sources that are there. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What `npm run build` makes: from which files, and the file that is written last. */
const PARTS = {
  library: [
    { from: ['packages/core/src'], made: 'packages/core/dist/.tsbuildinfo' },
    { from: ['packages/onestroke/src', 'packages/core/src'], made: 'packages/onestroke/dist/.tsbuildinfo' },
    { from: ['packages/onestroke/assembly'], made: 'packages/onestroke/dist/training/optimizer.wasm' },
  ],
  web: [{ from: ['packages/onestroke/web', 'packages/core/src'], made: 'packages/onestroke/dist/web.json' }],
  studio: [
    {
      from: ['packages/studio/src', 'packages/studio/public', 'packages/core/src'],
      made: 'packages/studio/dist/site/index.html',
    },
  ],
}
export type Part = keyof typeof PARTS

const age = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** The newest file below a folder, but tests and what only they use. */
const newestIn = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.|testing/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .reduce((newest, path) => (age(path) > age(newest) ? path : newest))

/** What is wrong with a part of the build, and what to do; undefined if nothing is. */
export const staleness = (part: Part, root = '.'): string | undefined => {
  for (const { from, made } of PARTS[part]) {
    const newest = from
      .map((folder) => newestIn(join(root, folder)))
      .reduce((a, b) => (age(a) > age(b) ? a : b))
    if (age(newest) > age(join(root, made)))
      return `the build is older than ${newest}, so this would test what it was before: run npm run build`
  }
  return undefined
}

/** @throws Error unless these parts of the build are as new as their sources. */
export const expectBuilt = (...parts: readonly Part[]): void => {
  for (const part of parts) {
    const stale = staleness(part)
    if (stale) throw new Error(stale)
  }
}
