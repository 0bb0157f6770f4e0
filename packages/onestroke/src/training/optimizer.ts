import { readFileSync } from 'node:fs'
import {
  adamStep,
  gapsOf,
  isDecoupled,
  MUON_BETA,
  type OptimizerOptions,
  type Orthogonalizer,
  type Range,
} from '@onestroke/core/nn'
import { HostArray } from '@onestroke/core/tensor'
import { builtUrl } from '../built.js'
import type { Update, UpdateState } from './update.js'

/** Arrays that training changes: those of the network, flat in the order of its layout, and those of the objective's own parts. */
export interface TrainingArrays {
  readonly parameters: Float32Array
  readonly exp_avg: Float32Array
  readonly exp_avg_sq: Float32Array
  readonly ema: Float32Array
  /** Moving average of the network that gives a method's targets; absent where there is none. */
  readonly target?: Float32Array
  /** The averaged weights of the best check; 0 before the first one, absent if there are no checks. */
  readonly best?: Float32Array
  /** By name, the objective's own parts. They have no moving average. */
  readonly parts?: Readonly<Record<string, Pick<TrainingArrays, 'parameters' | 'exp_avg' | 'exp_avg_sq'>>>
}

interface Kernels {
  sumSquares(x: number, n: number): number
  update(
    ...arguments_: [
      p: number,
      g: number,
      m: number,
      v: number,
      ema: number,
      n: number,
      scale: number,
      l2: number,
      shrink: number,
      beta1: number,
      beta2: number,
      rate: number,
      root: number,
      eps: number,
      adaptive: number,
      decay: number,
    ]
  ): void
  momentum(g: number, m: number, n: number, scale: number, beta: number): void
  follow(p: number, d: number, ema: number, n: number, shrink: number, rate: number, decay: number): void
}

/**
 * An optimiser with a moving average, in WebAssembly: one pass over memory, the same bits on every machine. The arrays live in
 * its memory; onnxruntime reads the parameters and writes the gradient there, and turns Muon's directions.
 */
export class Optimizer implements TrainingArrays, Update {
  readonly parameters: Float32Array
  readonly gradient: Float32Array
  readonly exp_avg: Float32Array
  readonly exp_avg_sq: Float32Array
  readonly ema: Float32Array
  readonly target?: Float32Array
  readonly state: UpdateState
  readonly #kernels: Kernels
  readonly #padded: number
  readonly #muon: Orthogonalizer | undefined
  readonly #direction: Float32Array
  /** What Adam updates. */
  readonly #rest: readonly Range[]

  /**
   * @param size number of parameters; `target` whether they have one; `muon` what `muon` steps with.
   * @throws RangeError if one of `optimizer: 'muon'` and `muon` is given without the other.
   */
  constructor(
    readonly size: number,
    readonly options: OptimizerOptions,
    { target = false, muon }: { target?: boolean; muon?: Orthogonalizer } = {},
  ) {
    if ((options.optimizer === 'muon') !== (muon !== undefined))
      throw new RangeError(`optimizer ${options.optimizer} ${muon ? 'has no' : 'needs an'} orthogonalizer`)
    if (target) this.target = new Float32Array(size)
    this.#muon = muon
    this.#padded = Math.ceil(size / 16) * 16
    this.#rest = muon ? gapsOf(muon.matrices, size) : [{ offset: 0, size: this.#padded }]
    const bytes = this.#padded * 4
    const memory = new WebAssembly.Memory({
      initial: Math.ceil((64 + 5 * bytes + 4 * (muon?.size ?? 0)) / 65536),
    })
    const module = new WebAssembly.Module(readFileSync(builtUrl(import.meta.url, './optimizer.wasm')))
    this.#kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels
    const array = (i: number) => new Float32Array(memory.buffer, 64 + i * bytes, size)
    this.parameters = array(0)
    this.gradient = array(1)
    this.exp_avg = array(2)
    this.exp_avg_sq = array(3)
    this.ema = array(4)
    this.#direction = new Float32Array(memory.buffer, 64 + 5 * bytes, muon?.size ?? 0)
    this.state = {
      parameters: new HostArray(this.parameters),
      gradient: new HostArray(this.gradient),
      exp_avg: new HostArray(this.exp_avg),
      exp_avg_sq: new HostArray(this.exp_avg_sq),
      ema: new HostArray(this.ema),
      target: this.target && new HostArray(this.target),
    }
  }

  /** Frees what steps with it. */
  async release(): Promise<void> {
    await this.#muon?.release()
  }

  /** Moves the target towards the parameters: target ← mu·target + (1 − mu)·parameters. */
  updateTarget(mu: number): void {
    const { target, parameters } = this
    if (target) for (let i = 0; i < target.length; i++) target[i]! += (1 - mu) * (parameters[i]! - target[i]!)
  }

  /** Euclidean norm of the gradient. */
  gradientNorm(): number {
    return Math.sqrt(this.#kernels.sumSquares(this.gradient.byteOffset, this.#padded))
  }

  /** Whether everything that training changes is a finite number. */
  isFinite(): boolean {
    const even = this.size - (this.size % 4)
    return [this.parameters, this.exp_avg, this.exp_avg_sq, this.ema].every(
      (array) =>
        Number.isFinite(this.#kernels.sumSquares(array.byteOffset, even)) &&
        array.subarray(even).every(Number.isFinite),
    )
  }

  /**
   * Applies the gradient. Overwrites `gradient`.
   *
   * @param step counted from 1.
   * @param ema_decay share of the moving average that stays, in [0, 1].
   */
  async step(step: number, learning_rate: number, ema_decay: number, gradientNorm: number): Promise<void> {
    const { clip } = this.options
    const scale = clip > 0 && gradientNorm > clip ? clip / gradientNorm : 1
    if (this.#muon) await this.#stepOfMuon(this.#muon, scale, learning_rate, ema_decay)
    this.#stepOfAdam(step, scale, learning_rate, ema_decay)
  }

  /** Turns the momentum that stands in `gradient` into Muon's directions: what a step computes, beside one pass over memory. */
  async rehearse(): Promise<void> {
    await this.#muon?.orthogonalize(this.gradient, this.#direction)
  }

  async #stepOfMuon(muon: Orthogonalizer, scale: number, learning_rate: number, ema_decay: number) {
    const { parameters, gradient, exp_avg, ema, options } = this
    for (const { offset, size } of muon.matrices)
      this.#kernels.momentum(at(gradient, offset), at(exp_avg, offset), size, scale, MUON_BETA)
    await muon.orthogonalize(gradient, this.#direction)
    const shrink = 1 - learning_rate * options.weight_decay
    let done = 0
    for (const { offset, size } of muon.matrices) {
      const [p, d, average] = [at(parameters, offset), at(this.#direction, done), at(ema, offset)]
      this.#kernels.follow(p, d, average, size, shrink, learning_rate, ema_decay)
      done += size
    }
  }

  #stepOfAdam(step: number, scale: number, learning_rate: number, ema_decay: number) {
    const { beta1, beta2, weight_decay } = this.options
    const { shrink, rate, root, eps, adaptive } = adamStep(step, learning_rate, this.options)
    const l2 = isDecoupled(this.options) ? 0 : weight_decay
    for (const { offset, size } of this.#rest)
      this.#kernels.update(
        at(this.parameters, offset),
        at(this.gradient, offset),
        at(this.exp_avg, offset),
        at(this.exp_avg_sq, offset),
        at(this.ema, offset),
        size,
        scale,
        l2,
        shrink,
        beta1,
        beta2,
        rate,
        root,
        eps,
        adaptive ? 1 : 0,
        ema_decay,
      )
  }
}

/** Where a number of an array lies in memory. */
const at = (array: Float32Array, index: number): number => array.byteOffset + 4 * index
