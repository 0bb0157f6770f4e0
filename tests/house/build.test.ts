import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { builtUrl } from '../../packages/onestroke/src/built.js'
import { staleness } from '../build.js'

const root = await mkdtemp(join(tmpdir(), 'onestroke-build-'))
afterAll(() => rm(root, { recursive: true, force: true }))

/** A file that was written so many seconds after 1970. */
const write = async (path: string, seconds: number) => {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), 'x')
  await utimes(join(root, path), seconds, seconds)
}

describe('a build', () => {
  it('is stale if a source is newer, and tests are no sources', async () => {
    await write('packages/studio/src/app.tsx', 1000)
    await write('packages/studio/public/icon.svg', 1000)
    await write('packages/core/src/web/model.ts', 1000)
    expect(staleness('studio', root)).toContain('run npm run build')
    await write('packages/studio/dist/site/index.html', 2000)
    expect(staleness('studio', root)).toBeUndefined()
    await write('packages/core/src/web/model.test.ts', 3000)
    await write('packages/core/src/web/testing.ts', 3000)
    expect(staleness('studio', root)).toBeUndefined()
    await write('packages/core/src/web/model.ts', 3000)
    expect(staleness('studio', root)).toBe(
      `the build is older than ${join(root, 'packages/core/src/web/model.ts')}, so this would test what it was before: run npm run build`,
    )
  })

  it('that is stale starts no worker from the sources', () => {
    const stale = process.env.ONESTROKE_STALE_BUILD
    const [source, built] = ['src', 'dist'].map((folder) => `file:///packages/onestroke/${folder}/a.js`)
    try {
      process.env.ONESTROKE_STALE_BUILD = 'it is old'
      expect(() => builtUrl(source!, './worker.js')).toThrow('it is old')
      expect(builtUrl(built!, './worker.js').pathname).toBe('/packages/onestroke/dist/worker.js')
    } finally {
      process.env.ONESTROKE_STALE_BUILD = stale
    }
  })
})
