import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type LoadedModel, loadModel } from '../model/index.js'
import { exportFolder, exportModel } from './index.js'

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

  it.each([
    ['a graph', (model: LoadedModel, out: string) => exportModel({ model, out, dtype: 'fp16' })],
    ['a model folder', (model: LoadedModel, out: string) => exportFolder(model, out, 'fp16')],
  ])('as %s is not written where a weight is too large for its type', async (kind, write) => {
    const model = await loadModel('models/emoji-16-guided')
    const weights = model.weights.slice()
    weights.fill(1e5, 0, 100)
    const out = join(folder, `infinite, ${kind}`)
    await expect(write({ ...model, weights }, out)).rejects.toThrow(
      'in fp16 the model paints nothing: a weight is too large for it',
    )
    expect(await readdir(out)).toEqual([])
  })
})
