/** Pictures to features, through an ONNX model: the project's own for a dataset, or one that the user brings. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bilinear } from '@onestroke/core/consistency'
import { UserError } from '@onestroke/core/formats'
import * as ort from 'onnxruntime-node'
import type { Dataset } from '../data/index.js'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import type { Features } from '../metrics/index.js'
import { makeFolder, sha256Of } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { FEATURE_BATCH, FEATURE_RECIPE, trainFeatureNetwork } from './feature-network.js'
import { savedPictures, savedValue } from './real-pictures.js'

/** A feature network, ready to run. */
export class FeatureExtractor {
  private constructor(
    readonly name: string,
    readonly sha256: string,
    readonly dims: number,
    private readonly session: ort.InferenceSession,
    private readonly input: { name: string; batch: number; channels: number; height: number; width: number },
  ) {}

  /**
   * Opens an ONNX model with one input [N, C, H, W], pictures in [-1, 1], and one output whose size per picture is the
   * number of features. N may be fixed or free. Pictures of another size are resampled, grey ones repeated.
   *
   * @throws UserError if the model cannot be read or has another form.
   */
  static async open(bytes: Uint8Array, name: string): Promise<FeatureExtractor> {
    let session: ort.InferenceSession
    try {
      session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 })
    } catch (cause) {
      throw new UserError(
        `${name} is not an ONNX model that onnxruntime can run: ${(cause as Error).message}`,
        { cause },
      )
    }
    const [metadata] = session.inputMetadata
    const shape = metadata?.isTensor ? metadata.shape : []
    const [batch, channels, height, width] = shape
    if (
      session.inputNames.length !== 1 ||
      ![channels, height, width].every((n) => typeof n === 'number' && n > 0)
    )
      throw new UserError(`${name} must have one input of the form [N, C, H, W], not [${shape.join(', ')}]`)
    const input = {
      name: metadata!.name,
      batch: typeof batch === 'number' && batch > 0 ? batch : FEATURE_BATCH,
      channels: channels as number,
      height: height as number,
      width: width as number,
    }
    const probe = await runBatch(
      session,
      input,
      new Float32Array(input.batch * input.channels * input.height * input.width),
    )
    return new FeatureExtractor(name, sha256Of(bytes), probe.length / input.batch, session, input)
  }

  /** pictures [count, channels, size, size] in [-1, 1] (values outside are clipped, as in a saved picture) → features. */
  async extract(pictures: Float32Array, count: number, channels: number, size: number): Promise<Features> {
    const { input, dims } = this
    const from = channels * size * size
    const to = input.channels * input.height * input.width
    const data = new Float32Array(count * dims)
    for (let first = 0; first < count; first += input.batch) {
      const here = Math.min(input.batch, count - first)
      const batch = new Float32Array(input.batch * to)
      for (let i = 0; i < here; i++) {
        const picture = pictures.subarray((first + i) * from, (first + i + 1) * from)
        resample(picture, channels, size, batch.subarray(i * to, (i + 1) * to), input)
      }
      const features = await runBatch(this.session, input, batch)
      data.set(features.subarray(0, here * dims), first * dims)
    }
    return { data, count, dims }
  }
}

const runBatch = async (
  session: ort.InferenceSession,
  input: { name: string; batch: number; channels: number; height: number; width: number },
  data: Float32Array,
): Promise<Float32Array> => {
  const tensor = new ort.Tensor('float32', data, [input.batch, input.channels, input.height, input.width])
  const results = await session.run({ [input.name]: tensor })
  return results[session.outputNames[0]!]!.data as Float32Array
}

/** Rounds to the 256 values of a saved picture, and brings it to the network's size (bilinear) and channels. */
const resample = (
  picture: Float32Array,
  channels: number,
  size: number,
  out: Float32Array,
  to: { channels: number; height: number; width: number },
): void => {
  if (to.channels === channels && to.height === size && to.width === size) {
    out.set(savedPictures(picture))
    return
  }
  const at = (c: number, y: number, x: number) => savedValue(picture[((c % channels) * size + y) * size + x]!)
  const columns = Array.from({ length: to.width }, (_, x) => bilinear(x, size, to.width))
  for (let y = 0; y < to.height; y++) {
    const row = bilinear(y, size, to.height)
    for (const [x, column] of columns.entries())
      for (let c = 0; c < to.channels; c++) {
        const across = (line: number) =>
          at(c, line, column.low) * (1 - column.share) + at(c, line, column.high) * column.share
        out[(c * to.height + y) * to.width + x] =
          across(row.low) * (1 - row.share) + across(row.high) * row.share
      }
  }
}

export interface FeatureOptions {
  /** An ONNX file that the user brings. */
  file?: string
  /** Called while a network is being trained. */
  onTrain?(step: number, steps: number): void
  /** Called when a trained network could not be kept for the next time, with the reason. */
  onUncached?(reason: string): void
}

/** Feature networks that come with the project. */
const SHIPPED = fileURLToPath(new URL('../../../../models/features/', import.meta.url))

/**
 * The feature network for a dataset: the user's, the one shipped for these very pictures, the one in the cache
 * (`$ONESTROKE_CACHE`, else `~/.cache/onestroke`), or a new one, trained and cached.
 */
export const featuresFor = async (
  dataset: Dataset,
  options: FeatureOptions = {},
): Promise<FeatureExtractor> => {
  const { bytes, name } = await featureModel(dataset, options)
  return FeatureExtractor.open(bytes, name)
}

/** The same as an ONNX file's bytes, and what it is called. */
export const featureModel = async (
  dataset: Dataset,
  options: FeatureOptions = {},
): Promise<{ bytes: Uint8Array; name: string }> => {
  const read = (path: string) => readBytes(path, 'feature network')
  if (options.file) return { bytes: await read(options.file), name: basename(options.file) }
  const file = `${dataset.sha256.slice(0, 16)}-${FEATURE_RECIPE}.onnx`
  const name = `onestroke features of ${dataset.name} at ${dataset.height}×${dataset.width}`
  const cache = join(process.env.ONESTROKE_CACHE ?? join(homedir(), '.cache', 'onestroke'), 'features')
  for (const path of [join(SHIPPED, file), join(cache, file)])
    if (existsSync(path)) return { bytes: await read(path), name }
  const bytes = await trainFeatureNetwork(dataset, nodeRuntime(), {
    ...(options.onTrain && { onStep: options.onTrain }),
  })
  try {
    await makeFolder(cache)
    await writeFileAtomic(join(cache, file), bytes)
  } catch (error) {
    // It is in memory, and of use; next time it has to be trained again.
    options.onUncached?.((error as Error).message)
  }
  return { bytes, name }
}
