import { readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { parseSafetensors, serializeSafetensors } from '@onestroke/core/formats'
import { describe, expect, it } from 'vitest'
import { complaint, folderOf } from '../data/testing.js'
import { PREVIOUS_STATE_FILE, PROGRESS_FILE, STATE_FILE } from '../run-files.js'
import { Optimizer } from './optimizer.js'
import { OPTIMIZER_DEFAULTS } from './presets.js'
import { freshPending, freshProgress, loadState, type Progress, readProgress, saveState } from './state.js'

const SIZE = 21

const trained = (seed: number): Optimizer => {
  const optimizer = new Optimizer(SIZE, OPTIMIZER_DEFAULTS)
  optimizer.parameters.forEach((_, i) => {
    optimizer.parameters[i] = Math.sin(seed + i)
    optimizer.ema[i] = Math.cos(seed + i)
    optimizer.exp_avg[i] = -1e-30 * i
    optimizer.exp_avg_sq[i] = i * Number.MIN_VALUE ** 0.1
  })
  return optimizer
}
const progress: Progress = {
  ...freshProgress(400),
  step: 17,
  seconds: 0.1 + 0.2,
  skipped_steps: 2,
  quarantined: 1,
  quarantine: [{ step: 5, index: 3, sigma: 0.7 }],
  log: [
    { images: 68, loss: 1 / 3, gradient_norm: 2e-7, learning_rate: 1e-3, bands: [0.1, 1 / 7, null, 0, 2, 3] },
  ],
  pending: { ...freshPending(), steps: 3, loss: 0.7, gradient_norm: 0.3 },
}
const [statePath, previousPath] = [
  (folder: string) => join(folder, STATE_FILE),
  (folder: string) => join(folder, PREVIOUS_STATE_FILE),
]

describe('a state', () => {
  it('comes back bit for bit', async () => {
    const folder = await folderOf({})
    expect(await loadState(folder, trained(0))).toBeUndefined()
    await saveState(folder, trained(1), progress)
    const arrays = trained(2)
    expect(await loadState(folder, arrays)).toEqual(progress)
    for (const name of ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const)
      expect(arrays[name]).toEqual(trained(1)[name])
    expect(await readProgress(folder)).toEqual(progress)
  })

  it('holds the weights that did best, where the quality is measured', async () => {
    const folder = await folderOf({})
    const best = Float32Array.from({ length: SIZE - 1 }, (_, i) => 1 / (i + 1))
    await saveState(folder, { ...trained(1), best }, progress)
    const arrays = { ...trained(2), best: new Float32Array(SIZE - 1) }
    expect(await loadState(folder, arrays)).toEqual(progress)
    expect([arrays.best, arrays.ema]).toEqual([best, trained(1).ema])
  })

  const check = {
    images: 68,
    fid: { 1: 2.5, 2: 1 / 3 },
    scores: [0.1 + 0.2, 0.7],
    score: 0.5,
    gradient_norm: [null, 1, 2, 3, 4, 5],
    teacher_distance: null,
  }

  it('holds what the checks found from each noise', async () => {
    const folder = await folderOf({})
    const checked = { ...progress, checks: [check] }
    await saveState(folder, trained(1), checked)
    expect(await loadState(folder, trained(2))).toEqual(checked)
  })

  it('of a version whose checks had one noise is read', async () => {
    const { scores, ...old } = check
    const folder = await folderOf({ [PROGRESS_FILE]: JSON.stringify({ ...progress, checks: [old] }) })
    expect((await readProgress(folder))?.checks).toEqual([{ ...old, scores: [] }])
  })

  it('holds what is trained beside the network, by name', async () => {
    const folder = await folderOf({})
    await saveState(folder, { ...trained(1), parts: { second: trained(3) } }, progress)
    const [arrays, second] = [trained(2), trained(4)]
    expect(await loadState(folder, { ...arrays, parts: { second } })).toEqual(progress)
    for (const name of ['parameters', 'exp_avg', 'exp_avg_sq'] as const) {
      expect(arrays[name]).toEqual(trained(1)[name])
      expect(second[name]).toEqual(trained(3)[name])
    }
    const error = await complaint(loadState(folder, { ...arrays, parts: { third: second } }))
    expect(error.message).toContain('third.parameters has no values, expected [21] in F32')
  })

  it('keeps the one before it, and leaves nothing else behind', async () => {
    const folder = await folderOf({})
    const saved: Buffer[] = []
    for (const seed of [1, 2, 3]) {
      await saveState(folder, trained(seed), progress)
      saved.push(await readFile(statePath(folder)))
    }
    expect(await readFile(statePath(folder))).toEqual(saved[2])
    expect(await readFile(previousPath(folder))).toEqual(saved[1])
    expect((await readdir(folder)).sort()).toEqual([PROGRESS_FILE, PREVIOUS_STATE_FILE, STATE_FILE])
  })

  it('of a version that wrote no hash is read', async () => {
    const folder = await folderOf({})
    await saveState(folder, trained(1), progress)
    const { tensors, metadata } = parseSafetensors(await readFile(statePath(folder)))
    const { sha256, ...rest } = metadata
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    await writeFile(statePath(folder), serializeSafetensors(tensors, rest))
    const arrays = trained(2)
    expect(await loadState(folder, arrays)).toEqual(progress)
    expect(arrays.ema).toEqual(trained(1).ema)
  })

  it('can be replaced by the one before it', async () => {
    const folder = await folderOf({})
    await saveState(folder, trained(1), progress)
    await saveState(folder, trained(2), progress)
    await truncate(statePath(folder), 100)
    await writeFile(statePath(folder), await readFile(previousPath(folder)))
    const arrays = trained(3)
    await loadState(folder, arrays)
    expect(arrays.parameters).toEqual(trained(1).parameters)
  })
})

describe('a damaged state', () => {
  const bytesOf = async (folder: string) => new Uint8Array(await readFile(statePath(folder)))
  const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    empty: () => new Uint8Array(0),
    'cut short in its header': (bytes) => bytes.subarray(0, 50),
    'cut short in its numbers': (bytes) => bytes.subarray(0, -4),
    'of zeros': (bytes) => new Uint8Array(bytes.length),
    'with a NaN': (bytes) => {
      const copy = bytes.slice()
      new DataView(copy.buffer).setUint32(copy.length - 4, 0x7fc00000, true)
      return copy
    },
    'without its counters': (bytes) => serializeSafetensors(parseSafetensors(bytes).tensors),
    'with counters that are none': (bytes) =>
      serializeSafetensors(parseSafetensors(bytes).tensors, { progress: '{"step":-1}' }),
    'without an array': (bytes) => {
      const { tensors, metadata } = parseSafetensors(bytes)
      tensors.delete('ema')
      return serializeSafetensors(tensors, metadata)
    },
  }

  it.each(Object.entries(damages))('%s is named, with the way out', async (_, damage) => {
    const folder = await folderOf({})
    await saveState(folder, trained(1), progress)
    await writeFile(statePath(folder), damage(await bytesOf(folder)))
    const alone = await complaint(loadState(folder, trained(0)))
    expect(alone.message).toContain(STATE_FILE)
    expect(alone.message).not.toContain('\n')
    expect(alone.remedy).toBe('start over with `force`')

    // A state before that is no better is no way out.
    await writeFile(previousPath(folder), 'the state before')
    expect((await complaint(loadState(folder, trained(0)))).remedy).toBe('start over with `force`')
    expect(await readFile(previousPath(folder), 'utf8')).toBe('the state before')

    const other = await folderOf({})
    await saveState(other, trained(1), progress)
    const before = await bytesOf(other)
    await writeFile(previousPath(folder), before)
    expect((await complaint(loadState(folder, trained(0)))).remedy).toBe(
      `move ${PREVIOUS_STATE_FILE} over it to go on from the state before, or start over with \`force\``,
    )
    expect(await bytesOf(folder)).not.toEqual(before)
  })

  it('that is missing beside the one before is named: to begin anew would lose that, too', async () => {
    const folder = await folderOf({})
    await saveState(folder, trained(1), progress)
    await rename(statePath(folder), previousPath(folder))
    const { message, remedy } = await complaint(loadState(folder, trained(0)))
    expect(message).toBe(`${statePath(folder)} is missing, though the state before it is there`)
    expect(remedy).toBe(
      `move ${PREVIOUS_STATE_FILE} to its place to go on from the state before, or start over with \`force\``,
    )
  })

  it('is never read as something else, whichever bit is wrong', async () => {
    const folder = await folderOf({})
    await saveState(folder, trained(1), progress)
    const bytes = await bytesOf(folder)
    let refused = 0
    for (let at = 0; at < bytes.length; at += 3) {
      const [copy, bit] = [bytes.slice(), 1 << (at % 8)]
      copy[at]! ^= bit
      await writeFile(statePath(folder), copy)
      const arrays = trained(0)
      const found = await loadState(folder, arrays).catch((error: Error) => error)
      // A space of the header's padding that became another blank is no damage to anything.
      if (found instanceof UserError) {
        refused++
        continue
      }
      expect([at, found]).toEqual([at, progress])
      for (const name of ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const)
        expect([at, arrays[name]]).toEqual([at, trained(1)[name]])
    }
    expect(refused).toBeGreaterThan(bytes.length / 6)
  })

  it('of which one bit is wrong is named, with the state before as the way out', async () => {
    const folder = await folderOf({})
    await saveState(folder, trained(1), progress)
    await saveState(folder, trained(2), progress)
    const bytes = await bytesOf(folder)
    bytes[bytes.length - 40]! ^= 1
    await writeFile(statePath(folder), bytes)
    const { message, remedy } = await complaint(loadState(folder, trained(0)))
    expect(message).toBe(`${statePath(folder)} is damaged: its hash is not that of what it holds`)
    expect(remedy).toContain(`move ${PREVIOUS_STATE_FILE} over it`)
    await rename(previousPath(folder), statePath(folder))
    const arrays = trained(0)
    await loadState(folder, arrays)
    expect(arrays.parameters).toEqual(trained(1).parameters)
  })

  it('of another network is named', async () => {
    const folder = await folderOf({})
    await saveState(folder, new Optimizer(20, OPTIMIZER_DEFAULTS), progress)
    expect((await complaint(loadState(folder, trained(0)))).message).toBe(
      `${statePath(folder)}: parameters has the shape [20] in F32, expected [21] in F32`,
    )
  })

  it('without readable progress beside it is none', async () => {
    const folder = await folderOf({ [PROGRESS_FILE]: '{"step": 1' })
    expect(await readProgress(folder)).toBeUndefined()
    expect(await readProgress(join(folder, 'nowhere'))).toBeUndefined()
  })
})
