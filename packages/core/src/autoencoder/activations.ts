/** Activations of diffusers' autoencoders, by diffusers' names. */
import type { Tensor } from '../tensor/index.js'

export const ACTIVATIONS = {
  relu: (x: Tensor) => x.relu(),
  silu: (x: Tensor) => x.silu(),
  /** x·Φ(x), the exact one (Hendrycks & Gimpel 2016). */
  gelu: (x: Tensor) => x.mul(x.mul(Math.SQRT1_2).erf().add(1).mul(0.5)),
  /** x·tanh(ln(1 + eˣ)) (Misra 2019), without eˣ of a large x. */
  mish: (x: Tensor) => x.mul(x.relu().add(x.abs().neg().exp().add(1).log()).tanh()),
} as const

export type Activation = keyof typeof ACTIVATIONS
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as [Activation, ...Activation[]]
