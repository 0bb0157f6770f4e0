import type { Context, Op, Shape, Tensor } from '../types.js'
import { op } from './op.js'

/** The shape rule of ops that work along the last axis. */
const rows =
  (name: string) =>
  ([x]: readonly Shape[]): Shape => {
    if (x!.length === 0) throw new RangeError(`${name}: a scalar has no last axis`)
    return x!
  }

/** Softmax over the last axis. */
export const softmax: Op<undefined> = op({
  name: 'softmax',
  shape: rows('softmax'),
  emit: (e, [x]) => e.node('Softmax', [x!], { axis: -1 }),
  vjp: ({ outputs: [y] }, g) => {
    const gy = g.mul(y!)
    return [gy.sub(y!.mul(gy.sum([-1], true)))]
  },
  jvp: ({ outputs: [y] }, [t]) => {
    const ty = t?.mul(y!)
    return ty?.sub(y!.mul(ty.sum([-1], true)))
  },
})

/** log softmax over the last axis. */
export const logSoftmax: Op<undefined> = op({
  name: 'logSoftmax',
  shape: rows('logSoftmax'),
  emit: (e, [x]) => e.node('LogSoftmax', [x!], { axis: -1 }),
  vjp: ({ outputs: [y] }, g) => [g.sub(y!.exp().mul(g.sum([-1], true)))],
  jvp: ({ outputs: [y] }, [t]) => t?.sub(y!.exp().mul(t).sum([-1], true)),
})

/**
 * (x − mean)/√(variance + eps) over the last axis (Ba et al. 2016), without scale and bias.
 *
 * The derivative needs r = 1/√(variance + eps). With y the output, c = covariance(x, y) = variance·r, hence
 * 1/r² − c/r − eps = 0: the statistics need not be stored, which not every ONNX provider can do. The mean of y is zero
 * but for rounding; multiplied with a large mean of x, the rounding would be all there is of mean(x·y).
 */
export const layerNorm: Op<{ eps: number }> = op({
  name: 'layerNorm',
  shape: rows('layerNorm'),
  emit: (e, [x], { inputs, attrs }) => {
    const ones = e.node('Expand', [e.float(1), e.ints([inputs[0]!.shape.at(-1)!])])
    return e.node('LayerNormalization', [x!, ones], { axis: -1, epsilon: { float: attrs.eps } })
  },
  vjp: (context, g) => [layerNormDerivative(context, g)],
  jvp: (context, [t]) => t && layerNormDerivative(context, t),
})

/** The Jacobian is symmetric, so one formula serves both directions. */
const layerNormDerivative = (
  { inputs: [x], outputs: [y], attrs }: Context<{ eps: number }>,
  t: Tensor,
): Tensor => {
  const mean = (z: Tensor) => z.mean([-1], true)
  const c = mean(x!.mul(y!)).sub(mean(x!).mul(mean(y!)))
  const deviation = c
    .add(
      c
        .square()
        .add(4 * attrs.eps)
        .sqrt(),
    )
    .mul(0.5)
  return t
    .sub(y!.mul(mean(t.mul(y!))))
    .sub(mean(t))
    .div(deviation)
}
