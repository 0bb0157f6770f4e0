/** Which pictures of a dataset models are judged by, and how pictures are made comparable. */
import { pixelsOf, sizeOf } from '@onestroke/core/picture'
import { type Dataset, spread } from '../data/index.js'
import { pictureOf } from './distort.js'
import { viewed, viewOf } from './view.js'

/** Pictures of a dataset by which models are judged, at most. */
const MOST = 20_000

/** Which pictures of a dataset models are judged by: all, or `most` that are spread evenly over it. */
export const judgedBy = ({ count }: Pick<Dataset, 'count'>, most = MOST): readonly number[] =>
  spread(
    Array.from({ length: count }, (_, i) => i),
    most,
  )

/** Some pictures of a dataset: [rows, C, H, W] in [-1, 1]. */
export const picturesOf = (dataset: Dataset, rows: readonly number[]): Float32Array => {
  const size = sizeOf(dataset)
  const pictures = new Float32Array(rows.length * size)
  for (const [i, row] of rows.entries()) pictures.set(pictureOf(dataset, row), i * size)
  return pictures
}

/** Pictures that are read at a time: large ones take much more memory than their views. */
const TOGETHER = 64

/** The views of some pictures of a dataset, see `viewed`: [rows, C, h, w]. */
export const viewsOf = (dataset: Dataset, rows: readonly number[]): Float32Array => {
  const size = dataset.channels * pixelsOf(viewOf(dataset))
  const views = new Float32Array(rows.length * size)
  for (let first = 0; first < rows.length; first += TOGETHER)
    views.set(viewed(picturesOf(dataset, rows.slice(first, first + TOGETHER)), dataset), first * size)
  return views
}

/** Fewest pictures of a test split that represent the data. */
const ENOUGH = 1000

/** What models are compared with: the test split where there is one of at least 1000 pictures, else the training set. */
export const gradedBy = (dataset: Dataset): Dataset =>
  dataset.test && dataset.test.count >= ENOUGH ? dataset.test : dataset

/** A pixel's value in [-1, 1], clipped and rounded to the 256 values of a saved picture. */
export const savedValue = (value: number): number =>
  Math.round((Math.min(Math.max(value, -1), 1) + 1) * 127.5) / 127.5 - 1

/** Pictures as they would be saved and read again. */
export const savedPictures = (pictures: Float32Array): Float32Array => pictures.map(savedValue)
