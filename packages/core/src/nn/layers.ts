/** Layers: plain functions of a scope and tensors. */
import { type ConvAttrs, constant, dims, type Tensor } from '../tensor/index.js'
import type { Init, Scope } from './scope.js'

/**
 * x [..., from] · weight [from, to] (+ bias). Default initialisation N(0, 1/from).
 *
 * @param options.outputFirst whether the weight is [to, from], as PyTorch's files have it.
 */
export const linear = (
  scope: Scope,
  x: Tensor,
  to: number,
  { bias = false, outputFirst = false, init }: { bias?: boolean; outputFirst?: boolean; init?: Init } = {},
): Tensor => {
  const from = x.shape.at(-1)!
  const shape = outputFirst ? [to, from] : [from, to]
  const weight = scope.parameter('weight', shape, init ?? { std: 1 / Math.sqrt(from) })
  const y = x.matmul(outputFirst ? weight.swapLast() : weight)
  return bias ? y.add(scope.parameter('bias', [to], 'zeros')) : y
}

/** x/√(mean x² + eps) over the last axis, without a learned scale (Zhang & Sennrich 2019). */
export const rmsNorm = (x: Tensor, eps = 1e-5): Tensor =>
  x.mul(
    x
      .sumSquares([-1], true)
      .mul(1 / x.shape.at(-1)!)
      .add(eps)
      .pow(-0.5),
  )

/** Normalisation over groups of channels (Wu & He 2018), without scale and bias: x [N, C, H, W]. */
export const groupNorm = (x: Tensor, groups: number, eps = 1e-5): Tensor => {
  const [n, c, h, w] = dims(x, 4, 'groupNorm')
  if (c % groups !== 0)
    throw new RangeError(`groupNorm: ${c} channels cannot be divided into ${groups} groups`)
  return x
    .reshape([n, groups, (c / groups) * h * w])
    .layerNorm(eps)
    .reshape(x.shape)
}

/** `groupNorm` with a learned scale and bias for each channel. */
export const scaledGroupNorm = (scope: Scope, x: Tensor, groups: number, eps = 1e-5): Tensor => {
  const channels = x.shape[1]!
  const weight = scope.parameter('weight', [channels], 'ones')
  const bias = scope.parameter('bias', [channels], 'zeros')
  return groupNorm(x, groups, eps)
    .mul(weight.reshape([channels, 1, 1]))
    .add(bias.reshape([channels, 1, 1]))
}

/**
 * A 2-D convolution: x [N, C, H, W] → [N, to, H/stride, W/stride].
 *
 * @param options.pads zeros at the top, left, bottom and right; by default as many at each side as keep pixels in their places.
 */
export const conv = (
  scope: Scope,
  x: Tensor,
  to: number,
  {
    kernel = 3,
    stride = 1,
    groups = 1,
    pads = [kernel >> 1, kernel >> 1, (kernel - 1) >> 1, (kernel - 1) >> 1],
    bias = true,
    init,
  }: {
    kernel?: number
    stride?: number
    groups?: number
    pads?: ConvAttrs['pads']
    bias?: boolean
    init?: Init
  } = {},
): Tensor => {
  const from = x.shape[1]! / groups
  const attrs: ConvAttrs = {
    kernel: [kernel, kernel],
    strides: [stride, stride],
    pads,
    groups,
  }
  const fan = from * kernel * kernel
  const weight = scope.parameter('weight', [to, from, kernel, kernel], init ?? { std: 1 / Math.sqrt(fan) })
  const y = x.conv2d(weight, attrs)
  return bias ? y.add(scope.parameter('bias', [to], 'zeros').reshape([to, 1, 1])) : y
}

/** [N, C, H, W] → [N, C, 2H, 2W], each pixel four times. */
export const upsampleNearest = (x: Tensor): Tensor => {
  const [n, c, h, w] = dims(x, 4, 'upsampleNearest')
  return x
    .reshape([n, c, h, 1, w, 1])
    .broadcastTo([n, c, h, 2, w, 2])
    .reshape([n, c, 2 * h, 2 * w])
}

/** [N, C, H, W] → [N, C·p², H/p, W/p]. */
export const spaceToDepth = (x: Tensor, p: number): Tensor => {
  const [n, c, h, w] = dims(x, 4, 'spaceToDepth')
  return x
    .reshape([n, c, h / p, p, w / p, p])
    .transpose([0, 1, 3, 5, 2, 4])
    .reshape([n, c * p * p, h / p, w / p])
}

/** The inverse of `spaceToDepth`. */
export const depthToSpace = (x: Tensor, p: number): Tensor => {
  const [n, c, h, w] = dims(x, 4, 'depthToSpace')
  return x
    .reshape([n, c / (p * p), p, p, h, w])
    .transpose([0, 1, 4, 2, 5, 3])
    .reshape([n, c / (p * p), h * p, w * p])
}

/**
 * Multi-head attention (Vaswani et al. 2017): q [B, T, D], k and v [B, S, D] → [B, T, D]. Heads of width D/heads.
 */
export const attention = (q: Tensor, k: Tensor, v: Tensor, heads: number): Tensor => {
  const [b, t, d] = dims(q, 3, 'attention')
  const toHeads = (x: Tensor) => x.reshape([b, x.shape[1]!, heads, d / heads]).transpose([0, 2, 1, 3])
  const scores = toHeads(q)
    .matmul(toHeads(k).swapLast())
    .mul(1 / Math.sqrt(d / heads))
  return scores.softmax().matmul(toHeads(v)).transpose([0, 2, 1, 3]).reshape([b, t, d])
}

/**
 * sin and cos of x·fᵢ for frequencies fᵢ spaced evenly in the logarithm from `low` to `high`: x [B] → [B, 2·count].
 * The frequencies are low on purpose: large ones make the tangents of continuous-time consistency training explode
 * (Lu & Song 2024, §4.1).
 */
export const fourierFeatures = (x: Tensor, count: number, low: number, high: number): Tensor => {
  const frequencies = Float32Array.from({ length: count }, (_, i) => low * (high / low) ** (i / (count - 1)))
  const angles = x.reshape([-1, 1]).mul(constant(frequencies, [1, count]))
  return angles.sin().concat([angles.cos()], -1)
}
