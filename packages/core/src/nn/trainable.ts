import type { Shape, Tensor } from '../tensor/index.js'
import { flatScope, type Layout, type Scope } from './scope.js'

/** What is trained of a network, what stays, and what a model's file then holds. */
export interface Trainable {
  /** The parameters that training changes, in one flat vector. */
  readonly layout: Layout
  /** The weights that stay: constants of the programs that train, by the names of their inputs. */
  readonly frozen: Readonly<Record<string, { readonly shape: Shape; readonly values: Float32Array }>>
  /**
   * The network's parameters, for a program.
   *
   * @param flat [layout.size], what is trained; `frozen` by the names above.
   */
  scope(flat: Tensor, frozen: Readonly<Record<string, Tensor>>): Scope
  /**
   * All weights of the network, in the order of its own layout, which may be `flat` itself.
   *
   * @param flat [layout.size], what is trained.
   */
  weights(flat: Float32Array): Float32Array
}

/** Trains every parameter of a network. */
export const wholeNetwork = (layout: Layout): Trainable => ({
  layout,
  frozen: {},
  scope: (flat) => flatScope(layout, flat),
  weights: (flat) => flat,
})
