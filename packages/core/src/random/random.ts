/**
 * Counter-based randomness: every stream of numbers is a pure function of a key (seed, stream, step, index).
 * Nothing is remembered between calls, so a run can stop anywhere and resume bit for bit, be split over workers,
 * or be replayed in a browser.
 *
 * The key is absorbed word by word into 128 bits, which ChaCha's quarter round (Bernstein 2008) mixes after each: no
 * step throws bits away, so that different keys begin at different states. That is the state of xoshiro128**
 * (Blackman & Vigna 2018), which then yields the numbers of that one key.
 */

/** What a stream of random numbers belongs to. All fields are integers ≥ 0 (taken modulo 2³²; seed modulo 2⁵³). */
export interface RandomKey {
  seed: number
  stream: number
  step: number
  index: number
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

/** A generator for one key. Cheap to make (about 150 ns). */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number
  #spare = Number.NaN

  constructor({ seed, stream, step, index }: RandomKey) {
    // The first words of the binary expansion of π: nothing up the sleeve.
    this.#a = 0x243f6a88
    this.#b = 0x85a308d3
    this.#c = 0x13198a2e
    this.#d = 0x03707344
    this.#absorb(seed | 0)
    this.#absorb(Math.floor(seed / 2 ** 32))
    this.#absorb(stream)
    this.#absorb(step | 0)
    this.#absorb(index | 0)
    this.#mix()
    this.#mix()
    // The one state that xoshiro never leaves.
    if ((this.#a | this.#b | this.#c | this.#d) === 0) this.#a = 1
  }

  #absorb(word: number): void {
    this.#a ^= word
    this.#mix()
    this.#mix()
  }

  /** ChaCha's quarter round: a permutation of the 128 bits. */
  #mix(): void {
    this.#a = (this.#a + this.#b) | 0
    this.#d = rotate(this.#d ^ this.#a, 16)
    this.#c = (this.#c + this.#d) | 0
    this.#b = rotate(this.#b ^ this.#c, 12)
    this.#a = (this.#a + this.#b) | 0
    this.#d = rotate(this.#d ^ this.#a, 8)
    this.#c = (this.#c + this.#d) | 0
    this.#b = rotate(this.#b ^ this.#c, 7)
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
