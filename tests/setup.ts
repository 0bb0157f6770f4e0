/** Before and after all tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Feature networks are kept beside the tests, not at home: nothing of an earlier day is tested, and none is trained twice. */
export default async () => {
  const cache = await mkdtemp(join(tmpdir(), 'onestroke-cache-'))
  process.env.ONESTROKE_CACHE = cache
  return () => rm(cache, { recursive: true, force: true })
}
