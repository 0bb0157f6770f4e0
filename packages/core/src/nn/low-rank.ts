/** Low-rank adapters (Hu et al. 2022): a frozen network whose weights move only by products of two thin matrices. */
import { input, type Shape } from '../tensor/index.js'
import { describeParameters, flatScope, type Layout, namedScope, type ParameterSpec, Scope } from './scope.js'
import type { Trainable } from './trainable.js'

export interface LoraOptions {
  /** Rank of what is added to a weight: at least 1. */
  readonly rank: number
  /** What is added counts alpha/rank. */
  readonly alpha: number
  /** Names of linear layers, or their ends: `qkv` is every layer called that, `up.0.qkv` fewer of them. */
  readonly targets: readonly string[]
}

/** A network that adapters are added to. */
export interface LoraBase {
  readonly layout: Layout
  /** All its weights, flat. */
  readonly weights: Float32Array
}

/**
 * A scope that answers W + (alpha/rank)·B·A for the weights of linear layers that `targets` names, and with the frozen
 * parameter for every other. A [rank, from] and B [to, rank] are parameters of `trained`, called as PEFT calls them:
 * `<layer>.lora_A.weight` begins normal, `<layer>.lora_B.weight` as zeros, so that nothing is added at first.
 *
 * @throws RangeError if the weight of a target is no matrix [from, to].
 */
const loraScope = (frozen: Scope, trained: Scope, options: LoraOptions): Scope => {
  const { rank, alpha } = options
  /** Each sum is computed once, however often a network asks for it. */
  const adapted = new Map<string, ReturnType<Scope['get']>>()
  return new Scope((name, shape, init) => {
    const weight = frozen.parameter(name, shape, init)
    const layer = targetOf(name, options)
    if (layer === undefined) return weight
    const known = adapted.get(name)
    if (known) return known
    const [from, to] = sidesOf(name, shape)
    const A = trained.parameter(`${layer}.lora_A.weight`, [rank, from], { std: 1 / rank })
    const B = trained.parameter(`${layer}.lora_B.weight`, [to, rank], 'zeros')
    // Weights are [from, to] here, and [to, from] where these names come from.
    const sum = weight.add(
      A.swapLast()
        .matmul(B.swapLast())
        .mul(alpha / rank),
    )
    adapted.set(name, sum)
    return sum
  })
}

/**
 * Trains adapters on a network whose own weights stay. Parameters that the base does not have, such as an input that only the
 * student takes, are trained whole, under their own names.
 *
 * @param layout of the network.
 * @param prefix goes before a frozen weight's name among a program's constants: two networks of one prefix share them.
 * @throws RangeError if the rank is not a positive integer, a target names no weight or one that is no matrix, or if base and
 *   network differ in a shape.
 */
export const lowRank = (layout: Layout, base: LoraBase, options: LoraOptions, prefix: string): Trainable => {
  const { rank, alpha, targets } = options
  if (!Number.isInteger(rank) || rank < 1)
    throw new RangeError(`lora: the rank must be a positive integer, not ${rank}`)
  for (const target of targets)
    if (!layout.specs.some(({ name }) => targetOf(name, { targets: [target] }) !== undefined))
      throw new RangeError(`lora: the network has no layer ${target}`)
  const shapes = new Map(base.layout.specs.map(({ name, shape }) => [name, shape]))
  const isFrozen = ({ name, shape }: Pick<ParameterSpec, 'name' | 'shape'>): boolean => {
    const there = shapes.get(name)
    if (there && there.join() !== shape.join())
      throw new RangeError(
        `lora: ${name} is [${there.join(', ')}] in the base and [${shape.join(', ')}] in the network`,
      )
    return there !== undefined
  }
  const stays = layout.specs.filter(isFrozen)
  const names = new Set(stays.map(({ name }) => name))
  /** Adapters over what is frozen; what is not is asked from `trained`. */
  const over = (frozen: Scope, trained: Scope): Scope => {
    const adapted = loraScope(frozen, trained, options)
    return new Scope((name, shape, init) =>
      (names.has(name) ? adapted : trained).parameter(name, shape, init),
    )
  }
  const values = base.layout.unflatten(base.weights)
  const own = describeParameters((scope) => {
    const frozen = new Scope((name, shape) => input(name, shape))
    for (const { name, shape, init } of layout.specs) over(frozen, scope).parameter(name, shape, init)
  })
  return {
    layout: own,
    frozen: Object.fromEntries(
      stays.map(({ name, shape }) => [prefix + name, { shape, values: values[name]! }]),
    ),
    scope(flat, frozen) {
      const named = Object.fromEntries(stays.map(({ name }) => [name, frozen[prefix + name]!]))
      return over(namedScope(named), flatScope(own, flat))
    },
    weights(flat) {
      const trained = own.unflatten(flat)
      const fused = new Float32Array(layout.size)
      for (const [name, whole] of Object.entries(layout.unflatten(fused))) {
        whole.set((names.has(name) ? values : trained)[name]!)
        const layer = names.has(name) ? targetOf(name, options) : undefined
        if (layer === undefined) continue
        const [A, B] = [trained[`${layer}.lora_A.weight`]!, trained[`${layer}.lora_B.weight`]!]
        addProduct(whole, A, B, rank, alpha / rank)
      }
      return fused
    },
  }
}

/** The layer whose weight is called `name`, if it is one of the targets. */
const targetOf = (name: string, { targets }: Pick<LoraOptions, 'targets'>): string | undefined => {
  if (!name.endsWith('.weight')) return undefined
  const layer = name.slice(0, -'.weight'.length)
  return targets.some((target) => layer === target || layer.endsWith(`.${target}`)) ? layer : undefined
}

const sidesOf = (name: string, shape: Shape): readonly [from: number, to: number] => {
  const [from, to, ...more] = shape
  if (from === undefined || to === undefined || more.length > 0)
    throw new RangeError(`lora: ${name} [${shape.join(', ')}] is not the weight of a linear layer`)
  return [from, to]
}

/** weight [from, to] += scale·(B·A)ᵀ. */
const addProduct = (weight: Float32Array, A: Float32Array, B: Float32Array, rank: number, scale: number) => {
  const [from, to] = [A.length / rank, B.length / rank]
  for (let i = 0; i < from; i++)
    for (let j = 0; j < to; j++) {
      let sum = 0
      for (let k = 0; k < rank; k++) sum += A[k * from + i]! * B[j * rank + k]!
      weight[i * to + j]! += scale * sum
    }
}
