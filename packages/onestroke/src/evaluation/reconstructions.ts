/** How well an autoencoder gives pictures back: of pictures that it did not learn from. */
import { factorOf, latentShape } from '@onestroke/core/autoencoder'
import { cutPictures, type Dataset, spread } from '../data/index.js'
import { psnr } from '../metrics/index.js'
import type { Autoencoder } from '../model/index.js'

/** Pictures that are kept from the training, at most, and the share of a dataset that this may be. */
const [KEPT, SHARE] = [64, 1 / 8]
/** Groups of them, each of which gives one score: two autoencoders are compared by the same pictures. */
const GROUPS = 4
/** Runs by which speeds are measured. */
const TIMED = 9

/** A dataset without the pictures by which its autoencoder is measured, and these. */
export interface HeldOut {
  readonly learned: Dataset
  /** Pictures to be measured by, and their numbers there. */
  readonly dataset: Dataset
  readonly rows: readonly number[]
}

/**
 * Keeps pictures from a training: some of the test split, or, where there is none, some that are spread evenly over the dataset. Of
 * fewer than eight pictures none can be spared: then they are measured by what they learned from.
 */
export const heldOut = (dataset: Dataset): HeldOut => {
  const all = (one: Dataset) => Array.from({ length: one.count }, (_, i) => i)
  if (dataset.test) return { learned: dataset, dataset: dataset.test, rows: spread(all(dataset.test), KEPT) }
  const rows = spread(all(dataset), Math.min(KEPT, Math.floor(SHARE * dataset.count)))
  if (rows.length === 0) return { learned: dataset, dataset, rows: spread(all(dataset), KEPT) }
  return { learned: without(dataset, rows), dataset, rows }
}

const without = (dataset: Dataset, rows: readonly number[]): Dataset => {
  const { pixels, count, channels, height, width } = dataset
  const size = channels * height * width
  const left = new Set(rows)
  const kept = new Uint8Array(new SharedArrayBuffer((count - left.size) * size))
  let at = 0
  for (let row = 0; row < count; row++) {
    if (left.has(row)) continue
    kept.set(pixels.subarray(row * size, (row + 1) * size), at)
    at += size
  }
  return { ...dataset, pixels: kept, count: count - left.size }
}

/** What comes back of held-out pictures, and how near it is. */
export interface Reconstructions {
  readonly real: ReturnType<typeof cutPictures>
  readonly painted: Float32Array
  /** Peak signal-to-noise ratio of each picture, in decibels, and their mean. */
  readonly each: readonly number[]
  readonly psnr: number
  /** Mean square errors of groups of pictures, by which two autoencoders can be compared. */
  readonly scores: readonly number[]
}

export const reconstructionsOf = async (
  autoencoder: Autoencoder,
  { dataset, rows }: Pick<HeldOut, 'dataset' | 'rows'>,
): Promise<Reconstructions> => {
  const real = cutPictures(dataset, rows, factorOf(autoencoder.network))
  const painted = await autoencoder.reconstruct(real.data, real)
  const each = psnr(painted, real.data, real.count)
  const groups = Math.min(GROUPS, real.count)
  const scores = Array.from({ length: groups }, (_, group) =>
    mean(each.filter((_, i) => i % groups === group).map((decibels) => 4 * 10 ** (-decibels / 10))),
  )
  return { real, painted, each, psnr: mean(each), scores }
}

/** Median milliseconds to encode, and to decode, one of the pictures. */
export const reconstructionSpeed = async (
  autoencoder: Autoencoder,
  { dataset, rows }: Pick<HeldOut, 'dataset' | 'rows'>,
): Promise<{ encode_ms: number; decode_ms: number }> => {
  const real = cutPictures(dataset, rows.slice(0, 1), factorOf(autoencoder.network))
  const size = latentShape(autoencoder.network, real)
  const points = await autoencoder.encode(real.data, real)
  await autoencoder.decode(points, size)
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < TIMED; i++) {
      const begin = performance.now()
      await work()
      times.push(performance.now() - begin)
    }
    return times.sort((a, b) => a - b)[TIMED >> 1]!
  }
  return {
    encode_ms: await timed(() => autoencoder.encode(real.data, real)),
    decode_ms: await timed(() => autoencoder.decode(points, size)),
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
