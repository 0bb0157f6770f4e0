import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EDM } from '@onestroke/core/diffusion'
import {
  type ModelConfig,
  parseSafetensors,
  serializeSafetensors,
  storedConfig,
} from '@onestroke/core/formats'
import { networkLayout } from '@onestroke/core/nn'
import { PIXELS } from '@onestroke/core/space'
import { halfOf, ofHalf } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { UNTRAINED } from '../../../core/src/formats/testing-config.js'
import { complaint, folderOf } from '../data/testing.js'
import { presetNetwork } from '../training/index.js'
import { loadModel, saveModel } from './folder.js'
import { sha256Of } from './read.js'

const vocabulary = { kind: 'class', classes: ['cat', 'dog'] } as const
const config: ModelConfig = {
  format: 'onestroke/1',
  kind: 'teacher',
  network: presetNetwork(
    'tiny',
    { channels: 1, height: 8, width: 8 },
    { kind: 'class', classes: ['cat', 'dog'] },
  ),
  space: PIXELS,
  ...EDM,
  ...UNTRAINED,
  vocabulary: { ...vocabulary, classes: [...vocabulary.classes] },
}
const weights = networkLayout(config.network).initialize(1)

const saved = async (): Promise<string> => {
  const folder = join(await folderOf({}), 'new', 'model')
  await saveModel(folder, { config, weights })
  return folder
}
const CONFIG = 'config.json'
const WEIGHTS = 'model.safetensors'

/** What loading says after config.json was changed. */
type Stored = ReturnType<typeof storedConfig> & { network: { type: 'hourglass' } } & Record<string, unknown>
const withConfig = async (change: (json: Stored) => void) => {
  const folder = await saved()
  const json = structuredClone(storedConfig(config)) as Stored
  change(json)
  await writeFile(join(folder, CONFIG), JSON.stringify(json))
  return { folder, ...(await complaintOf(folder)) }
}
/** What loading says after the weights were changed. */
const withWeights = async (change: (tensors: ReturnType<typeof parseSafetensors>['tensors']) => void) => {
  const folder = await saved()
  const { tensors } = parseSafetensors(await readFile(join(folder, WEIGHTS)))
  change(tensors)
  await writeFile(join(folder, WEIGHTS), serializeSafetensors(tensors))
  return { folder, ...(await complaintOf(folder)) }
}
const complaintOf = async (folder: string) => {
  const { message, remedy, option } = await complaint(loadModel(folder))
  expect(message).not.toContain('\n')
  return { message, remedy, option }
}

describe('a model folder', () => {
  it('comes back as it was', async () => {
    const folder = await saved()
    const model = await loadModel(folder)
    expect(model).toMatchObject({ path: folder, config })
    expect(model.weights).toEqual(weights)
    expect(model.sha256).toBe(sha256Of(await readFile(join(folder, WEIGHTS))))
  })

  it('holds the hash of its weights, of whatever the config said before', async () => {
    const folder = join(await folderOf({}), 'model')
    await saveModel(folder, { config: { ...config, weights_sha256: 'f'.repeat(64) }, weights })
    const { config: found, sha256 } = await loadModel(folder)
    expect(found.weights_sha256).toBe(sha256)
    expect(sha256).toBe(sha256Of(await readFile(join(folder, WEIGHTS))))
  })

  it('holds the side of a square as one number, as ever, and else height and width', async () => {
    const json = async (folder: string) => JSON.parse(await readFile(join(folder, CONFIG), 'utf8'))
    expect((await json(await saved())).network).toMatchObject({ channels: 1, resolution: 8 })
    const vocabulary = { kind: 'none' } as const
    const network = presetNetwork('tiny', { channels: 1, height: 24, width: 48 }, vocabulary)
    const wide: ModelConfig = { ...config, network, vocabulary }
    const folder = join(await folderOf({}), 'wide')
    await saveModel(folder, { config: wide, weights: networkLayout(network).initialize(1) })
    const stored = (await json(folder)).network
    expect(stored.resolution).toEqual([24, 48])
    expect(stored).not.toHaveProperty('height')
    const loaded = await loadModel(folder)
    expect(loaded.config.network).toEqual(network)
    expect(loaded.config.network).toMatchObject({ height: 24, width: 48 })
  })

  it('of a version that wrote no hash is read', async () => {
    const folder = await saved()
    await writeFile(join(folder, CONFIG), JSON.stringify(storedConfig(config)))
    expect((await loadModel(folder)).weights).toEqual(weights)
  })

  it('holds float16 in half the bytes, where all weights fit', async () => {
    const folder = join(await folderOf({}), 'half')
    const { bytes } = await saveModel(folder, { config, weights }, 'fp16')
    expect(bytes).toBeLessThan(2 * weights.length + 20_000)
    const { weights: found } = await loadModel(folder)
    expect(found).toEqual(weights.map((value) => ofHalf(halfOf(value))))

    const large = weights.with(7, 1e5)
    const elsewhere = join(folder, 'large')
    const { message, remedy } = await complaint(saveModel(elsewhere, { config, weights: large }, 'fp16'))
    expect(message).toMatch(/^the weight \S+ holds 100000, too large for float16$/)
    expect(remedy).toContain('fp32')
    expect(existsSync(elsewhere)).toBe(false)
  })

  it('is missed by name, with what one looks like', async () => {
    const folder = await folderOf({ file: 'x', 'pictures/a.png': '', 'run/run.json': '{}' })
    const of = (path: string) => complaintOf(join(folder, path))
    expect(await of('gone')).toMatchObject({ message: `there is no ${folder}/gone`, option: 'model' })
    expect(await of('file')).toMatchObject({ message: `${folder}/file is not a folder`, option: 'model' })
    expect(await of('pictures')).toMatchObject({ message: `there is no config.json in ${folder}/pictures` })
    expect((await of('run')).message).toContain('is not finished')
    expect((await of('gone')).remedy).toContain('config.json and model.safetensors')
  })
})

describe('a wrong config', () => {
  it('that is not JSON names the file', async () => {
    const folder = await saved()
    await writeFile(join(folder, CONFIG), '{"format": ')
    expect((await complaintOf(folder)).message).toMatch(/config\.json is not JSON: /)
  })

  it('names the key', async () => {
    const unknown = await withConfig((json) => {
      json.colour = 'red'
    })
    expect(unknown.message).toBe(
      `${join(unknown.folder, CONFIG)} is not a onestroke model config: Unrecognized key: "colour"`,
    )
    const wrong = await withConfig((json) => {
      json.sigma_max = -1
    })
    expect(wrong.message).toMatch(/ at sigma_max$/)
    const sigmas = await withConfig((json) => {
      json.sampling.sigmas = { 2: [1] }
    })
    expect(sigmas.message).toContain('sampling.sigmas.2 must hold 2 noise levels, not 1')
  })

  it('whose example is no class of its own', async () => {
    const { message } = await withConfig((json) => {
      json.example = { prompt: 'owl', seed: 1 }
    })
    expect(message).toContain('example.prompt "owl" must be one of the classes cat, dog')
  })

  it('does not fit its vocabulary', async () => {
    const { message } = await withConfig((json) => {
      json.vocabulary = { kind: 'none' }
    })
    expect(message).toContain('network.embedding.condition')
  })

  it('does not fit the weights', async () => {
    const { message } = await withConfig((json) => {
      json.network.levels[0]!.width = 64
    })
    expect(message).toMatch(
      /model\.safetensors: the weight .* has shape \[.*\], but config\.json asks for \[.*\]$/,
    )
  })

  it('may ask for a network that cannot be, or that no memory would hold', async () => {
    const uneven = await withConfig((json) => {
      json.network.resolution = [8, 9]
    })
    expect(uneven.message).toContain('the network cannot be built')
    const wide = await withConfig((json) => {
      json.network.levels[0]!.width = 2 ** 14
    })
    expect(wide.message).toContain('model.safetensors: the weight ')
    const huge = await withConfig((json) => {
      json.network.levels[0]!.depth = 1e9
    })
    expect(huge.message).toMatch(/expected number to be <=256 at network\.levels\.0\.depth$/)
  })
})

describe('wrong weights', () => {
  const NAME = 'input.weight'
  it('are named', async () => {
    const missing = await withWeights((tensors) => tensors.delete(NAME))
    expect(missing.message).toMatch(/the weight input\.weight \[.*\] is missing$/)
    const unknown = await withWeights((tensors) =>
      tensors.set('extra', { dtype: 'F32', shape: [0], bytes: new Uint8Array() }),
    )
    expect(unknown.message).toMatch(/the weight extra is unknown to the network in config\.json$/)
    const integers = await withWeights((tensors) =>
      tensors.set(NAME, { ...tensors.get(NAME)!, dtype: 'I32' }),
    )
    expect(integers.message).toMatch(/input\.weight: expected a dtype of F64, F32, F16 or BF16, found I32$/)
  })

  it('that are not finite are named, with their place', async () => {
    for (const [bits, shown] of [
      [0x7fc00000, 'NaN'],
      [0xff800000, '-Infinity'],
    ] as const) {
      const { message } = await withWeights((tensors) => {
        const entry = tensors.get(NAME)!
        const bytes = entry.bytes.slice()
        new DataView(bytes.buffer).setUint32(12, bits, true)
        tensors.set(NAME, { ...entry, bytes })
      })
      expect(message).toContain(`the weight input.weight holds ${shown} at position 3`)
    }
  })

  it('are never loaded, whichever bit is wrong', async () => {
    const folder = await saved()
    const bytes = await readFile(join(folder, WEIGHTS))
    const damaged = 'is damaged, or of another model: its hash is not that in config.json'
    const TRIES = 16
    let told = 0
    for (let i = 0; i < TRIES; i++) {
      const at = Math.floor(((i + 0.5) * bytes.length) / TRIES)
      const copy = Uint8Array.from(bytes)
      copy[at]! ^= 1 << (at % 8)
      await writeFile(join(folder, WEIGHTS), copy)
      const { message, remedy } = await complaintOf(folder)
      expect(message).toContain(join(folder, WEIGHTS))
      if (!message.includes(damaged)) continue
      expect(remedy).toContain('copy the model again')
      told++
    }
    // Others are told by the header, or by a weight that became infinite.
    expect(told).toBeGreaterThan(TRIES / 2)
  })

  it('of another kind of model are told, also where no hash is', async () => {
    const folder = await saved()
    await writeFile(join(folder, CONFIG), JSON.stringify(storedConfig(config)))
    const { tensors } = parseSafetensors(await readFile(join(folder, WEIGHTS)))
    await writeFile(join(folder, WEIGHTS), serializeSafetensors(tensors, { kind: 'student' }))
    expect(await complaintOf(folder)).toMatchObject({
      message: `${join(folder, WEIGHTS)} holds the weights of a model of kind student, but config.json says teacher`,
      remedy: 'copy the model again, both files of it',
    })
  })

  it('that are cut short are an error', async () => {
    const folder = await saved()
    const bytes = await readFile(join(folder, WEIGHTS))
    await writeFile(join(folder, WEIGHTS), bytes.subarray(0, -100))
    expect((await complaintOf(folder)).remedy).toContain('cut short')
    await writeFile(join(folder, WEIGHTS), '')
    expect((await complaintOf(folder)).message).toContain(WEIGHTS)
  })
})
