import type { ConvAttrs, ConvTransposeAttrs, Emitter, Op, Shape, Sized } from '../types.js'
import { broadcastShapes, dims, op, sameShape, show, total, unbroadcast } from './op.js'

/** Matrix product over the last two axes, the others broadcast: [..., m, k] × [..., k, n] → [..., m, n]. */
export const matmul: Op<undefined> = op({
  name: 'matmul',
  shape: ([a, b]) => {
    if (a!.length < 2 || b!.length < 2 || a!.at(-1) !== b!.at(-2))
      throw new RangeError(`matmul: shapes ${show(a!)} and ${show(b!)} do not fit`)
    return [...broadcastShapes(a!.slice(0, -2), b!.slice(0, -2), 'matmul'), a!.at(-2)!, b!.at(-1)!]
  },
  emit: (e, [a, b]) => e.node('MatMul', [a!, b!]),
  vjp: ({ inputs: [a, b], outputs: [y] }, g) => {
    const k = a!.shape.at(-1)!
    const n = b!.shape.at(-1)!
    const ga = g.matmul(b!.swapLast())
    // One tall product instead of a batch of small ones that are then added up.
    const gb =
      b!.shape.length === 2
        ? a!
            .reshape([-1, k])
            .swapLast()
            .matmul(g.reshape([-1, n]))
        : a!.swapLast().matmul(g)
    const batch = y!.shape.slice(0, -2)
    return [
      unbroadcast(ga, [...batch, ...a!.shape.slice(-2)], a!.shape),
      b!.shape.length === 2 ? gb : unbroadcast(gb, [...batch, ...b!.shape.slice(-2)], b!.shape),
    ]
  },
  jvp: ({ inputs: [a, b] }, [ta, tb]) => total(ta?.matmul(b!), tb && a!.matmul(tb)),
})

/** Height and width of pictures [N, C, H, W]. */
const pictureSize = (x: Sized, what: string): [number, number] => {
  const [, , height, width] = dims(x, 4, what)
  return [height, width]
}

/** Height and width of what conv2d makes of `x`. */
const outputSize = (x: Shape, { kernel, strides, pads }: ConvAttrs): number[] =>
  [0, 1].map((i) => Math.floor((x[2 + i]! + pads[i]! + pads[2 + i]! - kernel[i]!) / strides[i]!) + 1)

/** Whether conv2d takes x [N, C, H, W] and w [O, C/groups, kh, kw] to y [N, O, H', W']. */
const fits = (x: Shape, w: Shape, y: Shape, attrs: ConvAttrs): boolean =>
  x.length === 4 &&
  sameShape(w, [y[1]!, x[1]! / attrs.groups, ...attrs.kernel]) &&
  sameShape(y, [x[0]!, w[0]!, ...outputSize(x, attrs)]) &&
  [...x, ...w, ...y, w[0]! / attrs.groups].every((n) => Number.isInteger(n) && n > 0)

const misfit = (name: string, a: Shape, b: Shape, attrs: ConvAttrs): RangeError =>
  new RangeError(`${name}: shapes ${show(a)} and ${show(b)} do not fit with ${JSON.stringify(attrs)}`)

/** x [N, C, H, W], w [O, C/groups, kh, kw] → [N, O, H', W']. */
export const conv2d: Op<ConvAttrs> = op({
  name: 'conv2d',
  shape: ([x, w], attrs) => {
    const y = [x![0]!, w![0]!, ...outputSize(x!, attrs)]
    if (!fits(x!, w!, y, attrs)) throw misfit('conv2d', x!, w!, attrs)
    return y
  },
  emit: (e, [x, w], { attrs: { kernel, strides, pads, groups } }) =>
    e.node('Conv', [x!, w!], { kernel_shape: kernel, strides, pads, group: groups }),
  vjp: ({ inputs: [x, w], attrs }, g) => [
    g.convTranspose2d(w!, { ...attrs, size: pictureSize(x!, 'conv2d') }),
    x!.convWeightGrad(g, attrs),
  ],
  jvp: ({ inputs: [x, w], attrs }, [tx, tw]) => total(tx?.conv2d(w!, attrs), tw && x!.conv2d(tw, attrs)),
})

/** The adjoint of conv2d in its input: g [N, O, H', W'], w [O, C/groups, kh, kw] → [N, C, size]. */
export const convTranspose2d: Op<ConvTransposeAttrs> = op({
  name: 'convTranspose2d',
  shape: ([g, w], attrs) => {
    const x = [g![0]!, w![1]! * attrs.groups, ...attrs.size]
    if (!fits(x, w!, g!, attrs)) throw misfit('convTranspose2d', g!, w!, attrs)
    return x
  },
  emit: (e, [g, w], { inputs, attrs: { kernel, strides, pads, groups, size } }) => {
    const rest = [0, 1].map(
      (i) => size[i]! - ((inputs[0]!.shape[2 + i]! - 1) * strides[i]! + kernel[i]! - pads[i]! - pads[2 + i]!),
    )
    const [kh, kw] = kernel
    const [top, left, bottom, right] = pads
    const flippedPads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right]
    if (groups === 1 && strides[0] === 1 && strides[1] === 1 && flippedPads.every((n) => n >= 0)) {
      // An ordinary convolution with flipped, transposed weights is onnxruntime's fast path.
      const flipped = e.node('Slice', [
        w!,
        e.ints([-1, -1]),
        e.ints([-1e6, -1e6]),
        e.ints([2, 3]),
        e.ints([-1, -1]),
      ])
      return e.node('Conv', [g!, e.node('Transpose', [flipped], { perm: [1, 0, 2, 3] })], {
        kernel_shape: kernel,
        strides: [1, 1],
        pads: flippedPads,
      })
    }
    return e.node('ConvTranspose', [g!, w!], {
      kernel_shape: kernel,
      strides,
      pads,
      group: groups,
      output_padding: rest,
    })
  },
  vjp: ({ inputs: [g, w], attrs }, c) => [c.conv2d(w!, attrs), c.convWeightGrad(g!, attrs)],
  jvp: ({ inputs: [g, w], attrs }, [tg, tw]) =>
    total(tg?.convTranspose2d(w!, attrs), tw && g!.convTranspose2d(tw, attrs)),
})

/** The adjoint of conv2d in its weight: x [N, C, H, W], g [N, O, H', W'] → [O, C/groups, kh, kw]. */
export const convWeightGrad: Op<ConvAttrs> = op({
  name: 'convWeightGrad',
  shape: ([x, g], attrs) => {
    const w = [g![1]!, x![1]! / attrs.groups, ...attrs.kernel]
    if (!fits(x!, w, g!, attrs)) throw misfit('convWeightGrad', x!, g!, attrs)
    return w
  },
  emit: (e, [x, g], { inputs, attrs }) =>
    emitWeightGrad(e, x!, g!, inputs[0]!.shape, inputs[1]!.shape, attrs),
  vjp: ({ inputs: [x, g], attrs }, c) => [
    g!.convTranspose2d(c, { ...attrs, size: pictureSize(x!, 'convWeightGrad') }),
    x!.conv2d(c, attrs),
  ],
  jvp: ({ inputs: [x, g], attrs }, [tx, tg]) =>
    total(tx?.convWeightGrad(g!, attrs), tg && x!.convWeightGrad(tg, attrs)),
})

/** One tall matrix product per kernel tap, over channels-last copies: faster than any single node. */
const emitWeightGrad = (e: Emitter, x: string, g: string, xs: Shape, gs: Shape, attrs: ConvAttrs): string => {
  const { kernel, strides, pads, groups } = attrs
  const [n, c] = dims({ shape: xs }, 4, 'convWeightGrad')
  const [, o, oh, ow] = dims({ shape: gs }, 4, 'convWeightGrad')
  const rows = n * oh * ow
  const [top, left, bottom, right] = pads
  const padded = pads.every((n) => n === 0)
    ? x
    : e.node('Pad', [x, e.ints([0, 0, top, left, 0, 0, bottom, right])])
  const flat = (value: string, channels: number): string => {
    const last = e.node('Reshape', [value, e.ints([rows, channels])])
    if (groups === 1) return last
    return e.node('Transpose', [e.node('Reshape', [last, e.ints([rows, groups, channels / groups])])], {
      perm: [1, 0, 2],
    })
  }
  const image = e.node('Transpose', [padded], { perm: [0, 2, 3, 1] })
  const gradient = e.node('Transpose', [flat(e.node('Transpose', [g], { perm: [0, 2, 3, 1] }), o)], {
    perm: groups === 1 ? [1, 0] : [0, 2, 1],
  })
  const taps: string[] = []
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const window = e.node('Slice', [
        image,
        e.ints([i, j]),
        e.ints([i + (oh - 1) * strides[0] + 1, j + (ow - 1) * strides[1] + 1]),
        e.ints([1, 2]),
        e.ints(strides),
      ])
      const tap = e.node('MatMul', [gradient, flat(window, c)])
      taps.push(e.node('Reshape', [tap, e.ints([1, o * (c / groups)])]))
    }
  }
  const stacked = taps.length === 1 ? taps[0]! : e.node('Concat', taps, { axis: 0 })
  return e.node('Reshape', [
    e.node('Transpose', [stacked], { perm: [1, 0] }),
    e.ints([o, c / groups, ...kernel]),
  ])
}
