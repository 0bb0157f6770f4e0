/** Measures of the pictures themselves, beside those of the training pictures. Distances of features do not tell them. */
import { pixelsOf, sizeOf } from '@onestroke/core/picture'
import { type Dataset, spread } from '../data/index.js'
import {
  between,
  copies,
  diversity,
  edgeEnergy,
  type Features,
  rowsOf,
  seams,
  worstSeam,
} from '../metrics/index.js'
import type { Judge } from './judge.js'
import { judgedBy, picturesOf, savedPictures, viewsOf } from './real-pictures.js'
import type { Evaluation, Measures } from './types.js'
import { viewed, viewOf } from './view.js'

/** Pixel values that are held of the training pictures, and of one row's samples, at most: 256 MB each. */
const MOST_VALUES = 2 ** 26
/** Products of pixels that looking for copies may cost, once a row and noise seed: less than half a second. */
export const MOST_PRODUCTS = 1e9
/** Fewest samples that are compared, whatever that costs. */
export const LEAST_SAMPLES = 64

export class Likeness {
  readonly real: Evaluation['real']
  readonly #trained: Features
  readonly #edges: number
  /** Whether `#trained` are all the pictures that the judge takes prompts from. */
  readonly #whole: boolean

  constructor(
    readonly dataset: Dataset,
    readonly judge: Pick<Judge, 'prompts' | 'expected' | 'groups' | 'rows' | 'samples'>,
  ) {
    const { names, classes, labels } = dataset
    const mostOf = (size: number) =>
      judgedBy(dataset, Math.min(judge.rows.length, Math.floor(MOST_VALUES / size)))
    const rows = mostOf(this.#viewSize)
    const pictures = picturesOf(dataset, mostOf(sizeOf(dataset)))
    this.#whole = rows.length === judge.rows.length
    this.#trained = { data: viewsOf(dataset, rows), count: rows.length, dims: this.#viewSize }
    this.#edges = edgeEnergy(pictures, dataset)
    const prompts = rows.map((row) => names?.[row] ?? classes?.[labels![row]!] ?? '')
    this.real = {
      seams: seams(pictures, dataset),
      diversity: diversity(this.#trained, prompts, { replacement: true }),
    }
  }

  /** Measures of the pictures of one noise seed, one picture for each of the judge's prompts. */
  measure(pictures: Float32Array): Pick<Measures, 'copies' | 'between' | 'edge_energy' | 'seams'> {
    const { dataset, judge } = this
    const saved = savedPictures(pictures)
    const samples = this.#views(saved)
    const afford = Math.floor(MOST_PRODUCTS / this.#trained.data.length)
    const all = Array.from({ length: samples.count }, (_, i) => i)
    const some = spread(all, Math.max(LEAST_SAMPLES, afford))
    return {
      copies: copies(this.#trained, rowsOf(samples, some)),
      between: this.#whole ? between(this.#trained, samples, judge.expected, judge.groups) : null,
      edge_energy: finite(edgeEnergy(saved, dataset) / this.#edges),
      seams: worstSeam(seams(saved, dataset), this.real.seams),
    }
  }

  /** Samples whose pictures `diversity` asks for: all, or some that are spread over them. */
  varied(seeds: number): readonly number[] {
    const { samples } = this.judge
    const afford = Math.floor(MOST_VALUES / (seeds * sizeOf(this.dataset)))
    return spread(
      Array.from({ length: samples }, (_, i) => i),
      Math.max(1, afford),
    )
  }

  /** How varied the pictures of one prompt are: those of the samples `varied`, for each noise seed. */
  diversity(sets: readonly Float32Array[], varied = this.varied(sets.length)): number | null {
    const prompts = varied.map((i) => this.judge.prompts[i]!)
    const all = new Float32Array(sets.reduce((sum, { length }) => sum + length, 0))
    for (const [i, set] of sets.entries()) all.set(savedPictures(set), i * set.length)
    return diversity(
      this.#views(all),
      sets.flatMap(() => prompts),
    )
  }

  get #viewSize(): number {
    return this.dataset.channels * pixelsOf(viewOf(this.dataset))
  }
  /** Pictures as they are compared with each other: large ones are seen smaller. */
  #views(pictures: Float32Array): Features {
    const count = pictures.length / sizeOf(this.dataset)
    return { data: viewed(pictures, this.dataset), count, dims: this.#viewSize }
  }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
