import type { Tensor } from '../tensor.js'
import { type Context, type Op, op } from './op.js'

/** Softmax over the last axis. */
export const softmax: Op<undefined> = op({
  name: 'softmax',
  shape: ([x]) => x!,
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
  shape: ([x]) => x!,
  emit: (e, [x]) => e.node('LogSoftmax', [x!], { axis: -1 }),
  vjp: ({ outputs: [y] }, g) => [g.sub(y!.exp().mul(g.sum([-1], true)))],
  jvp: ({ outputs: [y] }, [t]) => t?.sub(y!.exp().mul(t).sum([-1], true)),
})

/**
 * (x − mean)/√(variance + eps) over the last axis (Ba et al. 2016), without scale and bias.
 *
 * The derivative needs r = 1/√(variance + eps). With y the output, c = mean(x·y) = variance·r, hence
 * 1/r² − c/r − eps = 0: the statistics need not be stored, which not every ONNX provider can do.
 */
export const layerNorm: Op<{ eps: number }> = op({
  name: 'layerNorm',
  shape: ([x]) => x!,
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
  const c = x!.mul(y!).mean([-1], true)
  const deviation = c
    .add(
      c
        .square()
        .add(4 * attrs.eps)
        .sqrt(),
    )
    .mul(0.5)
  return t
    .sub(y!.mul(t.mul(y!).mean([-1], true)))
    .sub(t.mean([-1], true))
    .div(deviation)
}
