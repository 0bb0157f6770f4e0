/** The latents of a data set: encoded once, before the training, and kept for the next. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { latentShape } from '@onestroke/core/autoencoder'
import { parseSafetensors, serializeSafetensors } from '@onestroke/core/formats'
import { type PictureShape, sizeOf } from '@onestroke/core/picture'
import { Random, STREAM } from '@onestroke/core/random'
import { halfOf, type Runtime } from '@onestroke/core/tensor'
import { cacheFolder } from '../cache-folder.js'
import { type Augment, type Change, type Dataset, drawChange, readPicture } from '../data/index.js'
import { readBytes, writeFileAtomic } from '../formats/index.js'
import { Autoencoder, type LoadedAutoencoder, makeFolder, sha256Of } from '../model/index.js'

/** Plain data: it travels to the worker that prepares the batches. */
export interface Latents {
  /** What one point looks like. */
  readonly shape: PictureShape
  /** Changed versions of each picture. */
  readonly variants: number
  /** [count, variants, …shape] as bits of float16, backed by a SharedArrayBuffer. */
  readonly values: Uint16Array
}

export interface LatentOptions {
  readonly dataset: Dataset
  readonly autoencoder: LoadedAutoencoder
  readonly augment: Augment
  readonly runtime: Runtime
  /** Called as pictures are encoded. */
  onEncode?(done: number, total: number): void
  /** Called when what was encoded could not be kept, with the reason. */
  onUncached?(reason: string): void
  /** Asked between pictures. If it returns true, encoding ends; what was encoded is kept. */
  shouldStop?(): boolean
}

/** Shifted versions of each picture, where pictures are to be shifted: latents cannot be shifted by a part of their factor. */
const SHIFTS = 4
/** Pictures that are encoded at a time. */
const TOGETHER = 16
/** Milliseconds between two times that what there is is kept. */
const KEEP_EVERY = 30_000

/** The number of versions that a picture has: as it is and mirrored, and each of these shifted. */
export const variantsOf = ({ flip = false, translate = 0 }: Augment): number =>
  (flip ? 2 : 1) * (translate > 0 ? SHIFTS : 1)

/** What is done to a picture in one of its versions. The first is the picture as it is. */
export const variantChange = (augment: Augment, picture: number, variant: number): Change => {
  const { flip = false, translate = 0 } = augment
  const shift = flip ? variant >> 1 : variant
  const random = new Random({ seed: 0, stream: STREAM.augment, step: shift, index: picture })
  const { right, down } = drawChange({ translate: shift > 0 ? translate : 0 }, random)
  return { mirrored: flip && variant % 2 === 1, right, down }
}

/**
 * Encodes all pictures of a data set, each in all its versions; or takes them from the cache (`$ONESTROKE_CACHE`, else
 * `~/.cache/onestroke`), where they are kept by the hashes of the pictures and of the autoencoder's weights. An encoding that
 * was stopped goes on where it was.
 *
 * @returns undefined if it was stopped.
 * @throws RangeError if the autoencoder does not take such pictures.
 */
export const encodeDataset = async (options: LatentOptions): Promise<Latents | undefined> => {
  const { dataset, autoencoder, augment, runtime, onEncode, onUncached, shouldStop } = options
  const shape = latentShape(autoencoder.config.network, dataset)
  const variants = variantsOf(augment)
  const size = sizeOf(shape)
  const each = variants * size
  const values = new Uint16Array(new SharedArrayBuffer(2 * dataset.count * each))
  const what = keyOf(options)
  const file = join(cacheFolder(), 'latents', `${sha256Of(Buffer.from(what)).slice(0, 16)}.safetensors`)
  let done = await readKept(file, what, values, each)
  if (done === dataset.count) return { shape, variants, values }
  const model = Autoencoder.of(autoencoder, runtime)
  let isCached = true
  const keep = async () => {
    try {
      await makeFolder(dirname(file))
      await writeFileAtomic(file, keptFile(values, { done, shape, variants }, what))
    } catch (error) {
      // What is in memory can still be used. It must be encoded again next time.
      isCached = false
      onUncached?.((error as Error).message)
    }
  }
  const pictures = new Float32Array(TOGETHER * sizeOf(dataset))
  let kept = performance.now()
  while (done < dataset.count && shouldStop?.() !== true) {
    const here = Math.min(TOGETHER, dataset.count - done)
    for (let variant = 0; variant < variants; variant++) {
      for (let i = 0; i < here; i++)
        readPicture(
          dataset,
          done + i,
          pictures,
          i * sizeOf(dataset),
          variantChange(augment, done + i, variant),
        )
      const points = await model.encode(pictures.subarray(0, here * sizeOf(dataset)), dataset)
      for (let i = 0; i < here; i++) {
        const at = (done + i) * each + variant * size
        for (let k = 0; k < size; k++) values[at + k] = halfOf(points[i * size + k]!)
      }
    }
    done += here
    onEncode?.(done, dataset.count)
    if (done < dataset.count && isCached && performance.now() - kept >= KEEP_EVERY) {
      await keep()
      kept = performance.now()
    }
  }
  await model.release()
  if (isCached) await keep()
  return done === dataset.count ? { shape, variants, values } : undefined
}

/** All that latents depend on. */
const keyOf = ({ dataset, autoencoder, augment: { flip = false, translate = 0 } }: LatentOptions): string =>
  JSON.stringify({
    pictures: picturesHash(dataset),
    autoencoder: autoencoder.sha256,
    // The weights of two autoencoders may be the same where what is measured of their latents is not.
    config: autoencoder.config.network,
    flip,
    translate,
  })

/** Hash of the pictures alone: other captions have the same latents. */
const picturesHash = ({ pixels, count, channels, height, width }: Dataset): string => {
  const hash = createHash('sha256').update(JSON.stringify([count, channels, height, width]))
  // Node hashes less than 2 GiB at a time.
  for (let at = 0; at < pixels.length; at += 2 ** 30) hash.update(pixels.subarray(at, at + 2 ** 30))
  return hash.digest('hex')
}

/** The first `done` pictures' latents as a file, with what they are of, and their hash. */
const keptFile = (
  values: Uint16Array,
  { done, shape, variants }: { done: number; shape: PictureShape; variants: number },
  what: string,
): Uint8Array => {
  const { channels, height, width } = shape
  const data = Uint16Array.from(values.subarray(0, done * variants * sizeOf(shape)))
  const tensor = {
    name: 'latents',
    dtype: 'F16' as const,
    shape: [done, variants, channels, height, width],
    data,
  }
  return serializeSafetensors([tensor], { what, sha256: sha256Of(new Uint8Array(data.buffer)) })
}

/** Reads what is kept into `values`. @returns the number of pictures; 0 if there is nothing, or it is damaged, or of other pictures. */
const readKept = async (file: string, what: string, values: Uint16Array, each: number): Promise<number> => {
  if (!existsSync(file)) return 0
  try {
    const { tensors, metadata } = parseSafetensors(await readBytes(file, 'latents'), file)
    const { bytes, shape } = tensors.get('latents')!
    const done = shape[0]!
    if (metadata.what !== what || metadata.sha256 !== sha256Of(bytes)) return 0
    if (bytes.length !== 2 * done * each || bytes.length > values.byteLength) return 0
    new Uint8Array(values.buffer).set(bytes)
    return done
  } catch {
    return 0
  }
}
