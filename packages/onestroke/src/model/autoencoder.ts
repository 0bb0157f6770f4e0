/** An autoencoder's folder, and an autoencoder that works: pictures to points and back. */
import { join } from 'node:path'
import {
  autoencoderLayout,
  decodeProgram,
  encodeProgram,
  latentShape,
  pictureShape,
} from '@onestroke/core/autoencoder'
import { UserError } from '@onestroke/core/errors'
import { type AutoencoderFile, isAutoencoder, parseAutoencoderFile } from '@onestroke/core/formats'
import type { Layout } from '@onestroke/core/nn'
import { type PictureSize, sizeOf } from '@onestroke/core/picture'
import type { Executable, Runtime } from '@onestroke/core/tensor'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { CONFIG_FILE, WEIGHTS_FILE } from '../run-files.js'
import { runtimeFor } from '../runtime/index.js'
import {
  autoencoderFolder,
  diffusersAutoencoder,
  diffusersNames,
  diffusersWeights,
  isOfDiffusers,
} from './diffusers-autoencoder.js'
import { readConfigFile, readWeightsOf, sha256Of } from './folder.js'
import { makeFolder } from './make-folder.js'
import { readWeights, type SavedStorage, weightsFile } from './weights.js'

/** An autoencoder in memory: what config.json says, and all weights as one flat vector in the order of the layout. */
export interface LoadedAutoencoder {
  readonly path: string
  readonly config: AutoencoderFile
  readonly layout: Layout
  readonly weights: Float32Array
  /** Hash of the file of weights. */
  readonly sha256: string
}

/**
 * Reads and checks an autoencoder's folder: one that `saveAutoencoder` wrote, or diffusers (AutoencoderKL, AutoencoderTiny), also as
 * the `vae` of a pipeline's folder. `path` of what is loaded is then the folder inside.
 *
 * @throws UserError naming file, key, expected and found.
 */
export const loadAutoencoder = async (path: string): Promise<LoadedAutoencoder> => {
  const folder = autoencoderFolder(path)
  const [json, file] = await readConfigFile(folder)
  if (isOfDiffusers(json)) return loadOfDiffusers(folder, json, file)
  if (!isAutoencoder(json))
    throw new UserError(`${folder} is no autoencoder`, {
      remedy:
        'give a folder that `onestroke autoencoder` made, or an AutoencoderKL or AutoencoderTiny of diffusers',
    })
  const config = parseAutoencoderFile(json, file)
  const layout = autoencoderLayout(config.network)
  return { path: folder, config, layout, ...(await readWeightsOf(folder, layout, config)) }
}

const loadOfDiffusers = async (path: string, json: unknown, file: string): Promise<LoadedAutoencoder> => {
  const { class_name, version, network } = diffusersAutoencoder(json, file)
  const layout = autoencoderLayout(network)
  const weightsPath = diffusersWeights(path, class_name)
  const bytes = await readBytes(weightsPath, 'model weights')
  const sha256 = sha256Of(bytes)
  const config: AutoencoderFile = {
    format: 'onestroke/1',
    kind: 'autoencoder',
    network,
    imported: { from: 'diffusers', class_name, version, sha256 },
    weights_sha256: sha256,
  }
  const weights = readWeights(bytes, layout, weightsPath, config.kind, diffusersNames)
  return { path, config, layout, weights, sha256 }
}

/**
 * Writes an autoencoder's folder; the config last, since its presence says that the folder is one.
 *
 * @throws UserError if the folder cannot be written, or if a weight is too large for fp16 (65504).
 */
export const saveAutoencoder = async (
  path: string,
  config: Omit<AutoencoderFile, 'weights_sha256'>,
  weights: Float32Array,
  storage: SavedStorage = 'fp32',
): Promise<{ config: AutoencoderFile; sha256: string }> => {
  const { format, kind, network } = config
  const bytes = weightsFile(autoencoderLayout(network), weights, storage, { format, kind })
  await makeFolder(path)
  await writeFileAtomic(join(path, WEIGHTS_FILE), bytes)
  const sha256 = sha256Of(bytes)
  const whole: AutoencoderFile = { ...config, weights_sha256: sha256 }
  await writeFileAtomic(join(path, CONFIG_FILE), `${JSON.stringify(whole, null, 2)}\n`)
  return { config: whole, sha256 }
}

/** Its two programs, by the beginning of their weights' names. */
const HALVES = { encoder: encodeProgram, decoder: decodeProgram } as const

/** Numbers of pictures that go through it together, at most: 16 pictures of 256×256. */
const MOST_TOGETHER = 16 * 3 * 256 ** 2

/** An autoencoder whose programs are compiled for the sizes that are asked for. */
export class Autoencoder {
  readonly #executables = new Map<string, Promise<Executable>>()

  constructor(
    readonly network: AutoencoderFile['network'],
    readonly layout: Layout,
    /** All weights, flat. They may change between calls if `baked` is false. */
    readonly weights: Float32Array,
    readonly runtime: Runtime = runtimeFor(),
    /** Whether weights become part of the compiled programs, which is faster, or are read anew at each run. */
    readonly baked = true,
  ) {}

  static of({ config, layout, weights }: LoadedAutoencoder, runtime?: Runtime): Autoencoder {
    return new Autoencoder(config.network, layout, weights, runtime)
  }

  /**
   * Points [count, latent_channels, H/factor, W/factor] of pictures [count, channels, H, W] in [-1, 1]; see `encode`.
   *
   * @throws RangeError if a side is no multiple of the factor.
   */
  async encode(pictures: Float32Array, size: PictureSize): Promise<Float32Array> {
    const points = latentShape(this.network, size)
    const picture = pictureShape(this.network, points)
    return this.#inBatches(pictures, sizeOf(picture), sizeOf(points), async (some, batch) => {
      const { points } = await this.#run('encoder', batch, size, { pictures: some })
      return points!
    })
  }

  /** The pictures [count, channels, h·factor, w·factor] of points, whose `size` is h and w; not clipped. */
  async decode(points: Float32Array, size: PictureSize): Promise<Float32Array> {
    const picture = pictureShape(this.network, size)
    const each = this.network.latent_channels * size.height * size.width
    return this.#inBatches(points, each, sizeOf(picture), async (some, batch) => {
      const { pictures } = await this.#run('decoder', batch, size, { points: some })
      return pictures!
    })
  }

  /** Pictures as they come back. */
  async reconstruct(pictures: Float32Array, size: PictureSize): Promise<Float32Array> {
    return this.decode(await this.encode(pictures, size), latentShape(this.network, size))
  }

  async release(): Promise<void> {
    for (const executable of this.#executables.values()) await (await executable).release()
    this.#executables.clear()
  }

  async #inBatches(
    all: Float32Array,
    from: number,
    to: number,
    work: (some: Float32Array, batch: number) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const count = all.length / from
    const most = Math.max(1, Math.floor(MOST_TOGETHER / Math.max(from, to)))
    const out = new Float32Array(count * to)
    for (let first = 0; first < count; first += most) {
      const batch = Math.min(most, count - first)
      out.set(await work(all.subarray(first * from, (first + batch) * from), batch), first * to)
    }
    return out
  }

  async #run(
    half: keyof typeof HALVES,
    batch: number,
    size: PictureSize,
    inputs: Readonly<Record<string, Float32Array>>,
  ): Promise<Readonly<Record<string, Float32Array>>> {
    const key = [half, batch, size.height, size.width].join()
    const weights = Object.fromEntries(
      Object.entries(this.layout.unflatten(this.weights)).filter(([name]) => name.startsWith(`${half}.`)),
    )
    const known = this.#executables.get(key)
    const constants = this.baked ? weights : undefined
    const executable = known ?? this.runtime.compile(HALVES[half](this.network, batch, size), { constants })
    this.#executables.set(key, executable)
    return (await executable).run(this.baked ? inputs : { ...weights, ...inputs })
  }
}
