/**
 * Named parameters. A network is a function that asks a scope for its weights by name; the scope either writes down
 * what was asked for (`describeParameters`), or answers with tensors (`flatScope`, `namedScope`). The names are the
 * keys of the safetensors file.
 */
import { Random, STREAM } from '../random/index.js'
import { input, type Shape, type Tensor } from '../tensor/index.js'

/** How a parameter starts: zeros, ones, or N(0, std²). */
export type Init = 'zeros' | 'ones' | { readonly std: number }

export interface ParameterSpec {
  readonly name: string
  readonly shape: Shape
  readonly init: Init
  /** Where it lies in the flat vector of all parameters. */
  readonly offset: number
  readonly size: number
}

/** A namespace of parameters. */
export class Scope {
  constructor(
    readonly get: (name: string, shape: Shape, init: Init) => Tensor,
    readonly prefix = '',
  ) {}

  /** The namespace `prefix.name`. */
  at(name: string | number): Scope {
    return new Scope(this.get, `${this.prefix}${name}.`)
  }
  /** The parameter `prefix.name`. */
  parameter(name: string, shape: Shape, init: Init): Tensor {
    return this.get(this.prefix + name, shape, init)
  }
}

/** All parameters of a network, laid out one after the other in a flat vector. */
export class Layout {
  readonly size: number

  constructor(readonly specs: readonly ParameterSpec[]) {
    this.size = specs.reduce((sum, { size }) => sum + size, 0)
  }

  /** Fresh parameters: a pure function of the seed and of each parameter's place in the list. */
  initialize(seed: number): Float32Array {
    const flat = new Float32Array(this.size)
    for (const [index, { init, offset, size }] of this.specs.entries()) {
      const values = flat.subarray(offset, offset + size)
      if (init === 'zeros') continue
      if (init === 'ones') values.fill(1)
      else {
        new Random({ seed, stream: STREAM.init, step: 0, index }).fillNormal(values)
        for (let i = 0; i < size; i++) values[i]! *= init.std
      }
    }
    return flat
  }

  /** Takes over from another network's parameters those that are called the same, or as `from` says; the others stay. */
  adopt(flat: Float32Array, other: Layout, values: Float32Array, from = (name: string) => name): void {
    const known = other.unflatten(values)
    for (const [name, piece] of Object.entries(this.unflatten(flat))) {
      const found = known[from(name)]
      if (found) piece.set(found)
    }
  }

  /** The flat vector in named pieces (views, not copies). */
  unflatten(flat: Float32Array): Record<string, Float32Array> {
    return Object.fromEntries(
      this.specs.map(({ name, offset, size }) => [name, flat.subarray(offset, offset + size)]),
    )
  }
}

/**
 * Runs `network` once to learn which parameters it asks for. Asking twice for one name gives one parameter.
 *
 * @throws RangeError if the two have different shapes.
 */
export const describeParameters = (network: (scope: Scope) => unknown): Layout => {
  const specs = new Map<string, ParameterSpec>()
  let offset = 0
  network(
    new Scope((name, shape, init) => {
      const known = specs.get(name)
      if (!known) {
        const size = shape.reduce((product, n) => product * n, 1)
        specs.set(name, { name, shape, init, offset, size })
        offset += size
      } else if (known.shape.join() !== shape.join())
        throw new RangeError(
          `parameter ${name} is both [${known.shape.join(', ')}] and [${shape.join(', ')}]`,
        )
      return input(name, shape)
    }),
  )
  return new Layout([...specs.values()])
}

/** A scope that answers with pieces of one flat tensor [layout.size]: for training, where gradients are flat too. */
export const flatScope = (layout: Layout, flat: Tensor): Scope => {
  const pieces = flat.split(
    layout.specs.map(({ size }) => size),
    0,
  )
  const tensors = new Map(layout.specs.map(({ name, shape }, i) => [name, pieces[i]!.reshape(shape)]))
  return new Scope((name) => found(tensors.get(name), name))
}

/** A scope that answers with one program input per parameter: for baking weights into a model under their names. */
export const namedScope = (inputs: Readonly<Record<string, Tensor>>): Scope =>
  new Scope((name) => found(inputs[name], name))

const found = (tensor: Tensor | undefined, name: string): Tensor => {
  if (!tensor) throw new RangeError(`the network has no parameter ${name}`)
  return tensor
}
