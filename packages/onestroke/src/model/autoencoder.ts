/** An autoencoder's folder, and an autoencoder that works: pictures to points and back. */
import { join } from 'node:path'
import {
  type AutoencoderConfig,
  autoencoderLayout,
  HALVES,
  type Half,
  halfProgram,
  latentShape,
  pictureShape,
} from '@onestroke/core/autoencoder'
import { UserError } from '@onestroke/core/errors'
import { type AutoencoderFile, isAutoencoder, parseAutoencoderFile } from '@onestroke/core/formats'
import type { Layout } from '@onestroke/core/nn'
import type { PictureShape, PictureSize } from '@onestroke/core/picture'
import { type Codec, codecOf, pointsOf } from '@onestroke/core/space'
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
import { makeFolder } from './make-folder.js'
import { readConfigFile, readWeightsOf, sha256Of } from './read.js'
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
  { config, weights }: { config: Omit<AutoencoderFile, 'weights_sha256'>; weights: Float32Array },
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

/** The weights of one half, by name. */
export const halfWeights = (
  half: Half,
  { layout, weights }: Pick<LoadedAutoencoder, 'layout' | 'weights'>,
): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.entries(layout.unflatten(weights)).filter(([name]) => name.startsWith(`${half}.`)),
  )

/** An autoencoder whose programs are compiled for the sizes that are asked for. */
export class Autoencoder {
  readonly #executables = new Map<string, Promise<Executable>>()

  constructor(
    readonly network: AutoencoderConfig,
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
  async encode(pictures: Float32Array, { height, width }: PictureSize): Promise<Float32Array> {
    return this.#codec({ channels: this.network.channels, height, width }).encode(pictures)
  }

  /** The pictures [count, channels, h·factor, w·factor] of points, whose `size` is h and w; not clipped. */
  async decode(points: Float32Array, size: PictureSize): Promise<Float32Array> {
    return this.#codec(pictureShape(this.network, size)).decode(points)
  }

  /** Pictures as they come back. */
  async reconstruct(pictures: Float32Array, size: PictureSize): Promise<Float32Array> {
    return this.decode(await this.encode(pictures, size), latentShape(this.network, size))
  }

  async release(): Promise<void> {
    for (const executable of this.#executables.values()) await (await executable).release()
    this.#executables.clear()
  }

  #codec(picture: PictureShape): Codec {
    const space = { kind: 'latents', autoencoder: this.network } as const
    const { shape } = pointsOf(space, picture)
    return codecOf(space, picture, (half, values, batch) =>
      this.#run(half, batch, half === 'encoder' ? picture : shape, values),
    )
  }

  async #run(half: Half, batch: number, size: PictureSize, values: Float32Array): Promise<Float32Array> {
    const key = [half, batch, size.height, size.width].join()
    const { input, output } = HALVES[half]
    const weights = halfWeights(half, this)
    const known = this.#executables.get(key)
    const constants = this.baked ? weights : undefined
    const executable =
      known ?? this.runtime.compile(halfProgram(half, this.network, batch, size), { constants })
    this.#executables.set(key, executable)
    const inputs = { [input]: values }
    return (await (await executable).run(this.baked ? inputs : { ...weights, ...inputs }))[output]!
  }
}
