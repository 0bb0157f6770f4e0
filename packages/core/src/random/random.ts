/**
 * Counter-based randomness: every stream of numbers is a pure function of a key (seed, stream, step, index).
 * Nothing is remembered between calls, so a run can stop anywhere and resume bit for bit, be split over workers,
 * or be replayed in a browser.
 *
 * The key is hashed with MurmurHash3's 32-bit finaliser (Appleby, public domain) into the state of xoshiro128**
 * (Blackman & Vigna 2018), which then yields the numbers of that one key.
 */

/** What a stream of random numbers belongs to. All fields are integers ≥ 0 (taken modulo 2³²; seed modulo 2⁵³). */
export interface RandomKey {
  seed: number
  stream: number
  step: number
  index: number
}

const mix = (value: number): number => {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

/** A generator for one key. Cheap to make (about 100 ns). */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number
  #spare = Number.NaN

  constructor({ seed, stream, step, index }: RandomKey) {
    let h = mix((seed >>> 0) + 0x9e3779b9)
    h = mix(h ^ mix(Math.floor(seed / 2 ** 32) + 0x7f4a7c15))
    h = mix(h ^ mix(stream + 0x165667b1))
    h = mix(h ^ mix((step >>> 0) + 0x27d4eb2f))
    h = mix(h ^ mix(index + 0x2545f491))
    this.#a = mix(h + 0x9e3779b9) | 1
    this.#b = mix(h + 0x3c6ef372)
    this.#c = mix(h + 0xdaa66d2b)
    this.#d = mix(h + 0x78dde6e4)
    for (let i = 0; i < 4; i++) this.uint32()
  }

  /** A uniform integer in [0, 2³²). */
  uint32(): number {
    const b = this.#b
    const m = Math.imul(b, 5)
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0
    const t = b << 9
    this.#c ^= this.#a
    this.#d ^= b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** A uniform number in (0, 1), never 0 or 1. */
  uniform(): number {
    return (this.uint32() + 0.5) / 4294967296
  }

  /** A uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n)
  }

  /** A number from N(0, 1), by Box–Muller (both halves are used). */
  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare
      this.#spare = Number.NaN
      return spare
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()))
    const angle = 2 * Math.PI * this.uniform()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  /** Fills `out` with N(0, 1). */
  fillNormal(out: Float32Array): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = this.normal()
    return out
  }
}

/** The streams that onestroke draws from. Each purpose has its own, so that adding one never disturbs another. */
export const STREAM = {
  init: 0,
  data: 1,
  noise: 2,
  time: 3,
  condition: 4,
  augment: 5,
  sample: 6,
  resample: 7,
  features: 8,
  guidance: 9,
  renoise: 10,
} as const

/** A random permutation of 0…n−1 (Fisher–Yates) for `key`. */
export const permutation = (n: number, key: RandomKey): Uint32Array => {
  const random = new Random(key)
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    const swap = order[i]!
    order[i] = order[j]!
    order[j] = swap
  }
  return order
}
