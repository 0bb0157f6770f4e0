/** Optimisers: their options, the numbers of one step, and their update as a program. */
import { constant, joined, type Program, type Shape, type Tensor, trace } from '../tensor/index.js'
import { matricesOf, muonDirections } from './muon.js'
import type { Layout } from './scope.js'

export const OPTIMIZERS = ['adam', 'adamw', 'radam', 'muon'] as const
export type OptimizerName = (typeof OPTIMIZERS)[number]

/** Share of Muon's momentum that stays over a step (Jordan et al. 2024). */
export const MUON_BETA = 0.95

export interface OptimizerOptions {
  /**
   * Adam (Kingma & Ba 2014), AdamW (Loshchilov & Hutter 2017) or RAdam (Liu et al. 2019), as in PyTorch; or Muon
   * (see muon.ts) for the matrices between the network's ends, with AdamW for the rest.
   */
  optimizer: OptimizerName
  beta1: number
  beta2: number
  eps: number
  /** L2 penalty for Adam and RAdam, decoupled for AdamW and Muon. */
  weight_decay: number
  /** The gradient's norm is clipped to this; 0 leaves it alone. */
  clip: number
}

/** The numbers of one step of the Adam family: p ← shrink·p − rate·m/(root·√v + eps), or p − rate·m where it is not adaptive. */
export interface AdamStep {
  readonly shrink: number
  readonly rate: number
  readonly root: number
  readonly eps: number
  readonly adaptive: boolean
}

/** Whether the weight decay acts on the parameters themselves, and not through their gradient. */
export const isDecoupled = ({ optimizer }: OptimizerOptions): boolean =>
  optimizer === 'adamw' || optimizer === 'muon'

/** @param step counted from 1. */
export const adamStep = (step: number, learning_rate: number, options: OptimizerOptions): AdamStep => {
  const { optimizer, beta1, beta2, eps, weight_decay } = options
  const correction1 = 1 - beta1 ** step
  const correction2 = 1 - beta2 ** step
  const root = 1 / Math.sqrt(correction2)
  let rate = learning_rate / correction1
  let adaptive = true
  if (optimizer === 'radam') {
    // Liu et al. 2019, algorithm 2: rectify the adaptive rate, or do without while its variance is intractable.
    const limit = 2 / (1 - beta2) - 1
    const length = limit - (2 * step * beta2 ** step) / correction2
    adaptive = length > 5
    if (adaptive)
      rate *= Math.sqrt(((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length))
  }
  return {
    shrink: isDecoupled(options) ? 1 - learning_rate * weight_decay : 1,
    rate,
    root,
    // PyTorch's RAdam adds eps before it corrects the bias, its Adam after.
    eps: optimizer === 'radam' ? eps * root : eps,
    adaptive,
  }
}

/** Numbers that lie side by side in the flat arrays. */
export interface Range {
  readonly offset: number
  readonly size: number
}

/** What lies between the ranges, which are in order, and around them: of `size` numbers in all. */
export const gapsOf = (ranges: readonly Range[], size: number): Range[] => {
  const ends = ranges.map(({ offset, size }) => offset + size)
  return [0, ...ends]
    .map((offset, i) => ({ offset, size: (ranges[i]?.offset ?? size) - offset }))
    .filter((range) => range.size > 0)
}

/** What an update reads and writes: arrays [P]. */
export const UPDATED = ['parameters', 'exp_avg', 'exp_avg_sq', 'ema'] as const
/** Its numbers beside them: [1] each. `blend` is the share of the parameters in the moving average. */
export const UPDATE_NUMBERS = [
  'apply',
  'gradient_norm',
  'learning_rate',
  'shrink',
  'rate',
  'root',
  'eps',
  'adaptive',
  'blend',
] as const

/**
 * One step of an optimiser as a program, for runtimes whose arrays do not lie in the host's memory. Inputs: `gradient` and the
 * arrays of `UPDATED` [P], and the numbers of `UPDATE_NUMBERS` [1]. Outputs: the same arrays after the step, as `next_…`. Nothing
 * changes where `apply` is 0.
 *
 * Gradients are clipped by `gradient_norm`; all else is as the WebAssembly optimiser does it, to the rounding of float32.
 */
export const updateProgram = (layout: Layout, options: OptimizerOptions): Program => {
  const { size } = layout
  const numbers = Object.fromEntries(UPDATE_NUMBERS.map((name) => [name, [1]]))
  const arrays = Object.fromEntries([...UPDATED, 'gradient'].map((name) => [name, [size]]))
  return trace({ ...arrays, ...numbers } as Record<string, Shape>, (inputs) => {
    const now = inputs as unknown as Arrays & Numbers & { readonly gradient: Tensor }
    const { gradient_norm: norm, apply } = now
    const { clip } = options
    const limit = constant(clip)
    const gradient = clip > 0 ? now.gradient.mul(limit.less(norm).where(limit.div(norm), 1)) : now.gradient
    const next =
      options.optimizer === 'muon' ? muon(layout, now, gradient, options) : adam(now, now, gradient, options)
    const isApplied = apply.equal(1)
    return Object.fromEntries(UPDATED.map((name) => [`next_${name}`, isApplied.where(next[name], now[name])]))
  })
}

type Arrays = Readonly<Record<(typeof UPDATED)[number], Tensor>>
type Numbers = Readonly<Record<(typeof UPDATE_NUMBERS)[number], Tensor>>

const adam = (
  { parameters, exp_avg, exp_avg_sq, ema }: Arrays,
  { shrink, rate, root, eps, adaptive, blend }: Numbers,
  gradient: Tensor,
  options: OptimizerOptions,
): Arrays => {
  const { beta1, beta2, weight_decay } = options
  const l2 = isDecoupled(options) ? 0 : weight_decay
  const g = l2 === 0 ? gradient : gradient.add(parameters.mul(l2))
  const m = exp_avg.mul(beta1).add(g.mul(1 - beta1))
  const v = exp_avg_sq.mul(beta2).add(g.square().mul(1 - beta2))
  const spread = adaptive.equal(1).where(v.sqrt().mul(root).add(eps), 1)
  const p = parameters.mul(shrink).sub(m.mul(rate).div(spread))
  return { parameters: p, exp_avg: m, exp_avg_sq: v, ema: follow(ema, p, blend) }
}

const follow = (ema: Tensor, parameters: Tensor, blend: Tensor): Tensor =>
  ema.add(parameters.sub(ema).mul(blend))

/** Matrices by Muon, what lies between them by AdamW. */
const muon = (layout: Layout, now: Arrays & Numbers, gradient: Tensor, options: OptimizerOptions): Arrays => {
  const matrices = matricesOf(layout)
  const gaps = gapsOf(matrices, layout.size)
  const fresh = gradient.mul(1 - MUON_BETA)
  const momentum = now.exp_avg.mul(MUON_BETA).add(fresh)
  const directions = muonDirections(layout, momentum.mul(MUON_BETA).add(fresh))
  const pick = (array: Tensor, ranges: readonly Range[]) => joined(ranges.map((range) => piece(array, range)))
  const pickAll = (ranges: readonly Range[]) =>
    Object.fromEntries(UPDATED.map((name) => [name, pick(now[name], ranges)])) as unknown as Arrays
  const { parameters, exp_avg_sq, ema } = pickAll(matrices)
  const p = parameters.mul(now.shrink).sub(directions.mul(now.learning_rate))
  const turned: Arrays = {
    parameters: p,
    exp_avg: pick(momentum, matrices),
    exp_avg_sq,
    ema: follow(ema, p, now.blend),
  }
  if (gaps.length === 0) return turned
  const rest = adam(pickAll(gaps), now, pick(gradient, gaps), options)
  const merge = (a: Tensor, b: Tensor): Tensor => {
    const [as, bs] = [piecesOf(a, matrices), piecesOf(b, gaps)]
    const all = [
      ...matrices.map(({ offset }, i) => ({ offset, values: as[i]! })),
      ...gaps.map(({ offset }, i) => ({ offset, values: bs[i]! })),
    ]
    return joined(all.sort((one, other) => one.offset - other.offset).map(({ values }) => values))
  }
  return Object.fromEntries(
    UPDATED.map((name) => [name, merge(turned[name], rest[name])]),
  ) as unknown as Arrays
}

const piece = (array: Tensor, { offset, size }: Range): Tensor => array.slice([offset], [offset + size])
/** What was joined of these ranges, in pieces again. */
const piecesOf = (array: Tensor, ranges: readonly Range[]): readonly Tensor[] =>
  array.split(
    ranges.map(({ size }) => size),
    0,
  )

/** `gradient` [P] → `gradient_norm` [], its Euclidean norm; not finite where its square does not fit a float32. */
export const gradientNormProgram = (size: number): Program =>
  trace({ gradient: [size] }, ({ gradient }) => ({ gradient_norm: gradient.sumSquares().sqrt() }))

/** The arrays of `UPDATED` [P] → `finite` [], 1 if each of their numbers is, else 0. */
export const finiteProgram = (size: number): Program =>
  trace(Object.fromEntries(UPDATED.map((name) => [name, [size]])) as Record<string, Shape>, (inputs) => {
    const strange = Object.values(inputs).map((array) => array.abs().less(LARGEST).where(0, 1).sum())
    return {
      finite: strange
        .reduce((sum, one) => sum.add(one))
        .equal(0)
        .where(1, 0),
    }
  })

/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127

/** `target`, `parameters` [P] and `blend` [1] → `next_target` = target + blend·(parameters − target). */
export const targetProgram = (size: number): Program =>
  trace({ target: [size], parameters: [size], blend: [1] }, ({ target, parameters, blend }) => ({
    next_target: follow(target, parameters, blend),
  }))
