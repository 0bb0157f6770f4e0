import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadModel } from '../model/index.js'
import { exportModel } from './index.js'

const folder = await mkdtemp(join(tmpdir(), 'onestroke-export-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('an export', () => {
  it('is under the licence of the pictures that the model learned from, unless another is given', async () => {
    const model = await loadModel('models/emoji-16-guided')
    const exported = async (name: string, license?: string) => {
      const options = { model, out: join(folder, name), dtype: 'fp16' as const }
      return (await exportModel({ ...options, license })).manifest.license
    }
    expect(await exported('own')).toBe('MIT AND Apache-2.0')
    expect(await exported('given', 'CC0-1.0')).toBe('CC0-1.0')
    const { license: _, ...data } = model.config.provenance.data
    const provenance = { ...model.config.provenance, data }
    const untold = { ...model, config: { ...model.config, provenance } }
    const { manifest } = await exportModel({ model: untold, out: join(folder, 'none'), dtype: 'fp16' })
    expect(manifest.license).toBe(null)
  })

  it('is not written where a weight is too large for its type', async () => {
    const model = await loadModel('models/emoji-16-guided')
    const weights = model.weights.slice()
    weights.fill(1e5, 0, 100)
    const out = join(folder, 'infinite')
    await expect(exportModel({ model: { ...model, weights }, out, dtype: 'fp16' })).rejects.toThrow(
      'in fp16 the model paints nothing: a weight is too large for it',
    )
    expect(await readdir(out)).toEqual([])
  })
})
