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
import type { Executable, Program, Runtime } from '@onestroke/core/tensor'
import { writeFileAtomic } from '../formats/index.js'
import { CONFIG_FILE, WEIGHTS_FILE } from '../run-files.js'
import { runtimeFor } from '../runtime/index.js'
import { readConfigFile, readWeightsOf, sha256Of } from './folder.js'
import { makeFolder } from './make-folder.js'
import { type SavedStorage, weightsFile } from './weights.js'

/** An autoencoder in memory: what config.json says, and all weights as one flat vector in the order of the layout. */
export interface LoadedAutoencoder {
  readonly path: string
  readonly config: AutoencoderFile
  readonly layout: Layout
  readonly weights: Float32Array
  /** Hash of model.safetensors. */
  readonly sha256: string
}

/**
 * Reads and checks an autoencoder's folder.
 *
 * @throws UserError naming file, key, expected and found.
 */
export const loadAutoencoder = async (path: string): Promise<LoadedAutoencoder> => {
  const [json, file] = await readConfigFile(path)
  if (!isAutoencoder(json))
    throw new UserError(`${path} is no autoencoder`, {
      remedy: 'give a folder that `onestroke autoencoder` made',
    })
  const config = parseAutoencoderFile(json, file)
  const layout = autoencoderLayout(config.network)
  return { path, config, layout, ...(await readWeightsOf(path, layout, config)) }
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
      const program = () => encodeProgram(this.network, batch, size)
      return (await this.#run('encode', batch, size, program, { pictures: some })).points!
    })
  }

  /** The pictures [count, channels, h·factor, w·factor] of points, whose `size` is h and w; not clipped. */
  async decode(points: Float32Array, size: PictureSize): Promise<Float32Array> {
    const picture = pictureShape(this.network, size)
    const each = this.network.latent_channels * size.height * size.width
    return this.#inBatches(points, each, sizeOf(picture), async (some, batch) => {
      const program = () => decodeProgram(this.network, batch, size)
      return (await this.#run('decode', batch, size, program, { points: some })).pictures!
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
    name: string,
    batch: number,
    { height, width }: PictureSize,
    programOf: () => Program,
    inputs: Readonly<Record<string, Float32Array>>,
  ): Promise<Readonly<Record<string, Float32Array>>> {
    const key = [name, batch, height, width].join()
    let executable = this.#executables.get(key)
    const program = executable ? undefined : programOf()
    const wanted = () => this.layout.unflatten(this.weights)
    if (program) {
      const constants = this.baked ? among(wanted(), Object.keys(program.inputs)) : undefined
      executable = this.runtime.compile(program, { constants })
      this.#executables.set(key, executable)
    }
    const half = name === 'encode' ? 'encoder.' : 'decoder.'
    const fed = this.baked
      ? {}
      : Object.fromEntries(Object.entries(wanted()).filter(([weight]) => weight.startsWith(half)))
    return (await executable!).run({ ...fed, ...inputs })
  }
}

const among = <Value>(
  all: Readonly<Record<string, Value>>,
  names: readonly string[],
): Record<string, Value> =>
  Object.fromEntries(names.flatMap((name) => (name in all ? [[name, all[name]!] as const] : [])))
