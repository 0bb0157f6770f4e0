import { permutation, STREAM } from '@onestroke/core/random'

/**
 * The order in which a run sees its pictures: every epoch is a permutation of its own. A pure function of the seed;
 * the permutation of the epoch asked for last is kept, so that going forward costs next to nothing.
 */
export class Shuffle {
  #epoch = -1
  #order: Uint32Array = new Uint32Array(0)

  /** @throws RangeError if there is nothing to shuffle. */
  constructor(
    readonly count: number,
    readonly seed: number,
  ) {
    if (!Number.isInteger(count) || count < 1)
      throw new RangeError(`count: expected an integer ≥ 1, found ${count}`)
  }

  /** Index of the picture that is seen as number `n`, counted from 0 over all epochs. */
  at(n: number): number {
    const epoch = Math.floor(n / this.count)
    if (epoch !== this.#epoch) {
      this.#order = permutation(this.count, { seed: this.seed, stream: STREAM.data, step: epoch, index: 0 })
      this.#epoch = epoch
    }
    return this.#order[n % this.count]!
  }
}
