/** Features of pictures, by an ONNX model: the project's own for a dataset, or one that the user brings. */
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bilinear } from '@onestroke/core/consistency'
import { UserError } from '@onestroke/core/errors'
import { isSameSize, type PictureShape, sizeOf, sizeText } from '@onestroke/core/picture'
import * as ort from 'onnxruntime-node'
import { cacheFolder } from '../cache-folder.js'
import type { Dataset } from '../data/index.js'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import type { Features } from '../metrics/index.js'
import { makeFolder, sha256Of } from '../model/index.js'
import { runtimeFor } from '../runtime/index.js'
import {
  FEATURE_BATCH,
  FEATURE_RECIPE,
  FEATURE_STEPS,
  LARGE_FEATURE_RECIPE,
  trainFeatureNetwork,
} from './feature-network.js'
import { picturesOf, savedPictures, savedValue } from './real-pictures.js'
import { isLarge } from './view.js'

/** Pictures of a dataset that are converted at once. */
const ROWS = 1024

/** What a feature network takes. */
interface Input extends PictureShape {
  readonly name: string
  readonly batch: number
}

/** A feature network, ready to run. */
export class FeatureExtractor {
  /** Features of pictures of the datasets that were asked for, by their pixels and by row. */
  readonly #known = new Map<Uint8Array, Map<number, Float32Array>>()

  private constructor(
    readonly name: string,
    readonly sha256: string,
    readonly dims: number,
    private readonly session: ort.InferenceSession,
    private readonly input: Input,
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
    const probe = await runBatch(session, input, new Float32Array(input.batch * sizeOf(input)))
    return new FeatureExtractor(name, sha256Of(bytes), probe.length / input.batch, session, input)
  }

  /** Features of some pictures of a dataset. Each picture's are computed once, and kept as long as the extractor. */
  async ofDataset(dataset: Dataset, rows: readonly number[]): Promise<Features> {
    const known = this.#known.get(dataset.pixels) ?? new Map<number, Float32Array>()
    this.#known.set(dataset.pixels, known)
    const missing = [...new Set(rows.filter((row) => !known.has(row)))]
    for (let first = 0; first < missing.length; first += ROWS) {
      const some = missing.slice(first, first + ROWS)
      const { data } = await this.extract(picturesOf(dataset, some), some.length, dataset)
      for (const [i, row] of some.entries()) known.set(row, data.slice(i * this.dims, (i + 1) * this.dims))
    }
    const data = new Float32Array(rows.length * this.dims)
    for (const [i, row] of rows.entries()) data.set(known.get(row)!, i * this.dims)
    return { data, count: rows.length, dims: this.dims }
  }

  /** pictures [count, channels, height, width] in [-1, 1] (values outside are clipped, as in a saved picture) → features. */
  async extract(pictures: Float32Array, count: number, shape: PictureShape): Promise<Features> {
    const { input, dims } = this
    const from = sizeOf(shape)
    const to = sizeOf(input)
    const data = new Float32Array(count * dims)
    for (let first = 0; first < count; first += input.batch) {
      const here = Math.min(input.batch, count - first)
      const batch = new Float32Array(input.batch * to)
      for (let i = 0; i < here; i++) {
        const picture = pictures.subarray((first + i) * from, (first + i + 1) * from)
        resample(picture, shape, batch.subarray(i * to, (i + 1) * to), input)
      }
      const features = await runBatch(this.session, input, batch)
      data.set(features.subarray(0, here * dims), first * dims)
    }
    return { data, count, dims }
  }
}

const runBatch = async (
  session: ort.InferenceSession,
  input: Input,
  data: Float32Array,
): Promise<Float32Array> => {
  const tensor = new ort.Tensor('float32', data, [input.batch, input.channels, input.height, input.width])
  const results = await session.run({ [input.name]: tensor })
  return results[session.outputNames[0]!]!.data as Float32Array
}

/** Rounds to the 256 values of a saved picture, and brings it to the network's size (bilinear) and channels. */
const resample = (picture: Float32Array, from: PictureShape, out: Float32Array, to: PictureShape): void => {
  const { channels, height, width } = from
  if (to.channels === channels && isSameSize(to, from)) {
    out.set(savedPictures(picture))
    return
  }
  const at = (c: number, y: number, x: number) =>
    savedValue(picture[((c % channels) * height + y) * width + x]!)
  const columns = Array.from({ length: to.width }, (_, x) => bilinear(x, width, to.width))
  for (let y = 0; y < to.height; y++) {
    const row = bilinear(y, height, to.height)
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
  /** Steps in which a network is trained, if none of so many is there: 800 by default. Networks of fewer are kept in files of their own. */
  feature_steps?: number
  /** Called while a network is being trained. */
  onTrain?(step: number, steps: number): void
  /** Called when a trained network could not be kept for the next time, with the reason. */
  onUncached?(reason: string): void
}

/** Steps by which the training of a network is timed; the first, which is slower, does not count. */
const TIMED_STEPS = 2

/** Feature networks that come with the project. */
const SHIPPED = fileURLToPath(new URL('../../../../models/features/', import.meta.url))

type Identified = Pick<Dataset, 'sha256' | 'height' | 'width'>

/** Where the network of a dataset may be: with the project, and in the cache. */
const placesOf = (dataset: Identified, steps: number): string[] => {
  const { sha256 } = dataset
  const recipe = isLarge(dataset) ? LARGE_FEATURE_RECIPE : FEATURE_RECIPE
  const shorter = steps === FEATURE_STEPS ? '' : `-${steps}-steps`
  const file = `${sha256.slice(0, 16)}-${recipe}${shorter}.onnx`
  return [join(SHIPPED, file), join(cacheFolder(), 'features', file)]
}

/** Whether the network of a dataset is there already. */
export const hasFeatures = (dataset: Identified): boolean => placesOf(dataset, FEATURE_STEPS).some(existsSync)

/** Seconds that one step takes of training a network for a dataset, by timing a few. */
export const featureStepSeconds = async (dataset: Dataset): Promise<number> => {
  const times: number[] = []
  await trainFeatureNetwork(dataset, runtimeFor(), {
    steps: TIMED_STEPS,
    onStep: () => times.push(performance.now()),
  })
  return (times.at(-1)! - times[0]!) / 1000 / (times.length - 1)
}

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
  const what = 'feature network'
  // What another program makes may come through a pipe.
  if (options.file)
    return { bytes: await readBytes(options.file, what, 'anything'), name: basename(options.file) }
  const { feature_steps: steps = FEATURE_STEPS } = options
  const name = `onestroke features of ${dataset.name} at ${sizeText(dataset)}`
  const kept = placesOf(dataset, steps).find(existsSync)
  if (kept !== undefined) return { bytes: await readBytes(kept, what), name }
  const bytes = await trainFeatureNetwork(dataset, runtimeFor(), {
    steps,
    onStep: options.onTrain,
  })
  try {
    const place = placesOf(dataset, steps).at(-1)!
    await makeFolder(dirname(place))
    await writeFileAtomic(place, bytes)
  } catch (error) {
    // The network in memory can still be used. It must be trained again next time.
    options.onUncached?.((error as Error).message)
  }
  return { bytes, name }
}
