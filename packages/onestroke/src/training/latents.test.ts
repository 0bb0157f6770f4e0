/** Latents: encoded once and kept; and a teacher and a student that work in them. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { ofHalf, type Runtime } from '@onestroke/core/tensor'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Dataset } from '../data/index.js'
import { complaint } from '../data/testing.js'
import { Autoencoder, type LoadedModel, loadModel, Model } from '../model/index.js'
import { untrainedAutoencoder } from '../model/testing.js'
import { nodeRuntime } from '../runtime/index.js'
import { encodeDataset, type LatentOptions, variantChange } from './latents.js'
import { type RunOptions, run } from './run.js'
import { runPlan, withBlocks } from './testing.js'

withBlocks(1)

const runtime = nodeRuntime()
const autoencoder = untrainedAutoencoder()
const [height, width] = [32, 48]
/** Pictures of stripes, of as many colours, and of two classes. */
const stripes = (count: number): Dataset => {
  const pixels = new Uint8Array(new SharedArrayBuffer(count * 3 * height * width))
  for (const [at] of pixels.entries()) {
    const picture = Math.floor(at / (3 * height * width))
    pixels[at] = (at % width) % (3 + (picture % 5)) < 2 ? (picture * 31) % 256 : 200
  }
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
  return {
    name: 'stripes',
    count,
    channels: 3,
    height,
    width,
    pixels,
    skipped: [],
    sha256: 'abc',
    classes: ['thin', 'thick'],
    labels,
  }
}
const dataset = stripes(40)
const floats = Float32Array.from(dataset.pixels, (byte) => byte / 127.5 - 1)
const SIZE = 2 * 8 * 12

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onestroke-latents-'))
})
beforeEach(async () => {
  vi.stubEnv('ONESTROKE_CACHE', await mkdtemp(join(folder, 'cache-')))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

/** A runtime that counts what it compiles. */
const counting = () => {
  const counts = { compiled: 0 }
  const counted: Runtime = {
    ...runtime,
    compile: (...args) => {
      counts.compiled++
      return runtime.compile(...args)
    },
  }
  return { counted, counts }
}
const options = (changes: Partial<LatentOptions> = {}): LatentOptions => ({
  dataset,
  autoencoder,
  augment: {},
  runtime,
  ...changes,
})
const kept = async () => {
  const latents = join(process.env.ONESTROKE_CACHE!, 'latents')
  return (await readdir(latents)).map((name) => join(latents, name))
}

describe('latents of a data set', () => {
  it('are what the autoencoder makes of its pictures, in float16', async () => {
    const seen: number[] = []
    const latents = await encodeDataset(options({ onEncode: (done) => seen.push(done) }))
    expect(latents).toMatchObject({ shape: { channels: 2, height: 8, width: 12 }, variants: 1 })
    const expected = await Autoencoder.of(autoencoder, runtime).encode(floats, dataset)
    const found = Float32Array.from(latents!.values, ofHalf)
    expect(found).toHaveLength(40 * SIZE)
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-3)
    expect(seen).toEqual([16, 32, 40])
  })

  it('are there twice where pictures are also mirrored: mirroring latents would be another picture', async () => {
    const latents = await encodeDataset(options({ augment: { flip: true } }))
    expect(latents!.variants).toBe(2)
    const mirrored = floats.map((_, at) => floats[at - (at % width) + (width - 1 - (at % width))]!)
    const expected = await Autoencoder.of(autoencoder, runtime).encode(mirrored, dataset)
    for (const picture of [0, 7, 39])
      for (let k = 0; k < SIZE; k++)
        expect(ofHalf(latents!.values[(2 * picture + 1) * SIZE + k]!)).toBeCloseTo(
          expected[picture * SIZE + k]!,
          2,
        )
  })

  it('are of shifted pictures where these are to be shifted, the same ones each time', () => {
    const augment = { flip: true, translate: 5 }
    const changes = Array.from({ length: 8 }, (_, variant) => variantChange(augment, 3, variant))
    expect(changes[0]).toEqual({ mirrored: false, right: 0, down: 0 })
    expect(changes[1]).toEqual({ mirrored: true, right: 0, down: 0 })
    expect(new Set(changes.map(({ right, down }) => `${right} ${down}`)).size).toBeGreaterThan(2)
    for (const { right, down } of changes) expect(Math.max(Math.abs(right), Math.abs(down))).toBeLessThan(6)
    expect(changes).toEqual(changes.map((_, variant) => variantChange(augment, 3, variant)))
    expect(variantChange(augment, 4, 6)).not.toEqual(changes[6])
  })

  it('are encoded once, and again for other pictures, another autoencoder or other changes', async () => {
    const { counted, counts } = counting()
    const first = await encodeDataset(options({ runtime: counted }))
    const compiled = counts.compiled
    const again = await encodeDataset(
      options({ runtime: counted, dataset: { ...dataset, sha256: 'other captions' } }),
    )
    expect(again).toEqual(first)
    expect(counts.compiled).toBe(compiled)
    const pixels = dataset.pixels.slice()
    pixels[5]! ^= 1
    for (const other of [
      options({ dataset: { ...dataset, pixels } }),
      options({ autoencoder: untrainedAutoencoder(2) }),
      options({ augment: { flip: true } }),
    ])
      await encodeDataset(other)
    expect(await kept()).toHaveLength(4)
  })

  it('go on where encoding was stopped', async () => {
    const whole = await encodeDataset(options())
    vi.stubEnv('ONESTROKE_CACHE', await mkdtemp(join(folder, 'cache-')))
    let asked = 0
    expect(await encodeDataset(options({ shouldStop: () => asked++ >= 1 }))).toBeUndefined()
    const seen: number[] = []
    const rest = await encodeDataset(options({ onEncode: (done) => seen.push(done) }))
    expect(rest).toEqual(whole)
    expect(seen).toEqual([32, 40])
  })

  it('are encoded again where the file is damaged', async () => {
    const whole = await encodeDataset(options())
    const [file] = await kept()
    const bytes = await readFile(file!)
    for (const damaged of [bytes.subarray(0, 400), bytes.with(bytes.length - 9, bytes.at(-9)! ^ 1)]) {
      await writeFile(file!, damaged)
      const seen: number[] = []
      expect(await encodeDataset(options({ onEncode: (done) => seen.push(done) }))).toEqual(whole)
      expect(seen).toEqual([16, 32, 40])
    }
  })

  it('are used also where they cannot be kept, and that is said', async () => {
    vi.stubEnv('ONESTROKE_CACHE', join(folder, 'file', 'below'))
    await writeFile(join(folder, 'file'), '')
    const reasons: string[] = []
    expect(await encodeDataset(options({ onUncached: (reason) => reasons.push(reason) }))).toBeDefined()
    expect(reasons).toHaveLength(1)
  })
})

describe('a model in latents', () => {
  const training = (directory: string, changes: Partial<RunOptions> = {}): RunOptions => ({
    directory,
    dataset,
    vocabulary: { kind: 'class', classes: ['thin', 'thick'] },
    runtime,
    checkpoint_every: 1e9,
    plan: runPlan({ flip: true }),
    autoencoder,
    ...changes,
  })
  const make = async (changes: Partial<RunOptions> = {}) => {
    const directory = await mkdtemp(join(folder, 'run-'))
    const { finished } = await run(training(directory, changes))
    return { directory, finished }
  }
  const distilling = (teacher: LoadedModel) => ({
    teacher,
    autoencoder: undefined,
    plan: runPlan({ command: 'distill', method: 'cd', method_options: { ...METHODS.cd!.options } }),
  })
  const weights = (directory: string) => readFile(join(directory, 'model.safetensors'))
  let teacher: LoadedModel
  beforeAll(async () => {
    teacher = await loadModel((await make()).directory)
  })

  it('brings its autoencoder with it, and paints pictures of the size that it learned from', async () => {
    expect(teacher.config).toMatchObject({
      space: { kind: 'latents', autoencoder: autoencoder.config.network },
      network: { channels: 2, height: 8, width: 12 },
      sigma_data: 0.5,
    })
    expect(teacher.autoencoder!.weights).toEqual(autoencoder.weights)
    const model = Model.of(teacher, runtime)
    expect(model.shape).toEqual({ channels: 3, height, width })
    const { data } = await model.generate({ prompts: ['thin', 'thick'], num_inference_steps: 2 })
    expect(data).toHaveLength(2 * 3 * height * width)
    const points = await model.points({ prompts: ['thin', 'thick'], num_inference_steps: 2 })
    const decoder = Autoencoder.of(autoencoder, runtime)
    expect(data).toEqual(await decoder.decode(points, { height: 8, width: 12 }))
    await model.release()
  })

  it('is the same however its training was interrupted', async () => {
    let steps = 0
    const { directory, finished } = await make({ shouldStop: () => steps++ >= 5 })
    expect(finished).toBe(false)
    expect((await run(training(directory))).finished).toBe(true)
    expect(await weights(directory)).toEqual(await weights(teacher.path))
  })

  it('teaches a student that works in the same latents', async () => {
    const { directory } = await make(distilling(teacher))
    const student = await loadModel(directory)
    expect(student.config.space).toEqual(teacher.config.space)
    expect(student.autoencoder!.sha256).toBe(teacher.autoencoder!.sha256)
    const model = Model.of(student, runtime)
    const image = floats.slice(0, 3 * height * width)
    const mask = new Float32Array(height * width).fill(1, 0, 600)
    const { data } = await model.generate({ prompts: ['thin'], image, mask })
    for (const [at, value] of data.entries()) if (mask[at % mask.length] === 0) expect(value).toBe(image[at])
    expect(data.subarray(0, 600)).not.toEqual(image.subarray(0, 600))
    await model.release()
  })

  it('is refused where the parts do not fit', async () => {
    const small = { ...dataset, width: 40, pixels: dataset.pixels.subarray(0, 40 * 3 * 32 * 40) }
    expect(await complaint(run(training('nowhere', { dataset: { ...small, width: 46 } })))).toMatchObject({
      message:
        'no network takes the latents of pictures of 46×32 pixels, each of which stands for 4×4 pixels',
      option: 'resolution',
      remedy: '`resolution` 64x32',
    })
    expect(await complaint(run(training('nowhere', { dataset: { ...dataset, channels: 1 } })))).toMatchObject(
      {
        message: 'untrained takes pictures of 3 channels, and these have 1',
      },
    )
    const other = { ...autoencoder.config.network, latents_mean: [0, 0] }
    const stranger = {
      ...teacher,
      config: { ...teacher.config, space: { kind: 'latents' as const, autoencoder: other } },
    }
    expect(
      (await complaint(run(training('nowhere', { ...distilling(teacher), initFrom: stranger })))).message,
    ).toContain('their autoencoders are not the same')
  })

  it('is not read without its own autoencoder', async () => {
    const { directory } = await make()
    const config = join(directory, 'autoencoder', 'config.json')
    const json = JSON.parse(await readFile(config, 'utf8'))
    await writeFile(config, JSON.stringify({ ...json, network: { ...json.network, latents_mean: [0, 0] } }))
    expect((await complaint(loadModel(directory))).message).toContain('is not the autoencoder that')
    await rm(join(directory, 'autoencoder'), { recursive: true })
    expect((await complaint(loadModel(directory))).message).toContain('autoencoder')
  })
})
