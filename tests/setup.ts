/** Before and after all tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { staleness } from './build.js'

/** Lets code under test, which starts workers from the build, refuse one that is older than its sources. */
const sayWhetherStale = () => {
  process.env.ONESTROKE_STALE_BUILD = staleness('library') ?? ''
}

/**
 * Feature networks are kept beside the tests, not at home: nothing of an earlier day is tested, and none is trained twice. Whatever
 * runs a network has one thread, unless it says otherwise: files that are tested beside each other do not wait for each other.
 */
export default async (project: TestProject) => {
  sayWhetherStale()
  project.onTestsRerun(sayWhetherStale)
  const cache = await mkdtemp(join(tmpdir(), 'onestroke-cache-'))
  process.env.ONESTROKE_CACHE = cache
  process.env.ONESTROKE_THREADS = '1'
  return () => rm(cache, { recursive: true, force: true })
}
