/** For tests only (not exported from the package): small networks that use many ops at once, and what is made of them. */
import { fromBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { ModelProtoSchema } from 'onnx-buf'
import { checkpoint } from './autodiff.js'
import { draw, generator } from './testing.js'
import type { Shape, Tensor } from './types.js'

/** A function of several tensors that uses many ops at once, smooth everywhere. */
export interface Network {
  readonly shapes: Readonly<Record<string, Shape>>
  /** Some features, and a scalar loss. */
  readonly apply: (x: Readonly<Record<string, Tensor>>) => { features: Tensor; loss: Tensor }
}

/** A pre-norm transformer block on [batch, tokens, width] with two heads. */
export const transformer = (batch: number, tokens: number, width: number): Network => ({
  shapes: {
    x: [batch, tokens, width],
    scale: [width],
    qkv: [width, 3 * width],
    out: [width, width],
    up: [width, 2 * width],
    down: [2 * width, width],
  },
  apply: ({ x, scale, qkv, out, up, down }) => {
    const heads = (t: Tensor) => t.reshape([batch, tokens, 2, width / 2]).transpose([0, 2, 1, 3])
    const [q, k, v] = x!
      .layerNorm(0.0625)
      .mul(scale!)
      .matmul(qkv!)
      .split([width, width, width], -1)
      .map(heads)
    const attention = q!.matmul(k!.swapLast()).mul(0.5).softmax()
    const mixed = attention.matmul(v!).transpose([0, 2, 1, 3]).reshape(x!.shape)
    const residual = x!.add(mixed.matmul(out!))
    const features = residual.add(residual.layerNorm(0.0625).matmul(up!).quickGelu().matmul(down!))
    return {
      features,
      loss: features
        .logSoftmax()
        .mul(x!)
        .mean()
        .add(features.square().mean([1]).sum()),
    }
  },
})

/** Down with strides and groups, depthwise, up again, on [batch, 3, side, side]. */
export const convolutional = (batch: number, channels: number, side: number): Network => ({
  shapes: {
    x: [batch, 3, side, side],
    stem: [channels, 3, 3, 3],
    down: [channels, channels / 2, 3, 3],
    depth: [channels, 1, 3, 3],
    up: [channels, 3, 2, 2],
    bias: [channels, 1, 1],
  },
  apply: ({ x, stem, down, depth, up, bias }) => {
    const kernel = [3, 3] as const
    const pads = [1, 1, 1, 1] as const
    const wide = x!
      .conv2d(stem!, { kernel, pads, strides: [1, 1], groups: 1 })
      .add(bias!)
      .silu()
    const low = wide.conv2d(down!, { kernel, pads: [0, 0, 1, 1], strides: [2, 2], groups: 2 }).silu()
    const mixed = low.add(low.conv2d(depth!, { kernel, pads, strides: [1, 1], groups: channels }).tanh())
    const features = mixed.convTranspose2d(up!, {
      kernel: [2, 2],
      pads: [0, 0, 0, 0],
      strides: [2, 2],
      groups: 1,
      size: [side, side],
    })
    return { features, loss: features.sub(x!).sumSquares([1, 2, 3]).mean() }
  },
})

/** Layers from [3, 4] to [3, 4], smooth everywhere. Layers of one kind share their weight [4, 4]. */
const LAYERS = {
  linear: (x, weight) => x.matmul(weight),
  activation: (x, weight) => x.add(weight.mean([0])).silu(),
  normalized: (x, weight) => x.layerNorm(0.0625).mul(weight.sum([1])),
  attention: (x, weight) => x.add(x.matmul(weight).matmul(x.swapLast()).softmax().matmul(x)),
  pieces: (x, weight) => {
    const [head, tail] = x.split([1, 3], 1)
    return tail!.sin().concat([head!.mul(weight.sumSquares().add(1).sqrt())], 1)
  },
  quotient: (x, weight) => x.div(x.matmul(weight).sumSquares([1], true).add(1)),
} satisfies Record<string, (x: Tensor, weight: Tensor) => Tensor>

/** Layers one after the other; those in a list of their own form a block. */
type Stack = readonly (keyof typeof LAYERS | Stack)[]

const { someStack } = fc.letrec<{ someStack: Stack }>((tie) => ({
  someStack: fc.array(
    fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { weight: 3, arbitrary: fc.constantFrom(...(Object.keys(LAYERS) as (keyof typeof LAYERS)[])) },
      { weight: 1, arbitrary: tie('someStack') },
    ),
    { minLength: 1, maxLength: 4 },
  ),
}))

/** A network of random layers, and the same one with its blocks checkpointed. */
export const someNetwork: fc.Arbitrary<{ plain: Network; checkpointed: Network }> = someStack.map((stack) => {
  const network = (block: <T>(f: () => T) => T): Network => {
    const through = (x: Readonly<Record<string, Tensor>>, start: Tensor, layers: Stack): Tensor =>
      layers.reduce<Tensor>((h, layer) => {
        if (typeof layer === 'string') return LAYERS[layer](h, x[layer]!)
        // What is added is not in the block, and comes from before the block.
        return block(() => through(x, h, layer)).add(h)
      }, start)
    return {
      shapes: { x: [3, 4], ...Object.fromEntries(Object.keys(LAYERS).map((name) => [name, [4, 4]])) },
      apply: (x) => {
        const features = through(x, x.x!, stack)
        return { features, loss: features.square().sin().mean() }
      },
    }
  }
  return { plain: network((f) => f()), checkpointed: network(checkpoint) }
})

/** Values for a network's tensors, of order one. */
export const networkValues = ({ shapes }: Network, seed: number): Record<string, Float64Array> => {
  const random = generator(seed)
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, draw(shape, (r) => r.uniform() - 0.5, random)]),
  )
}

/** How many nodes an ONNX model has, by operator. */
export const countOperators = (model: Uint8Array): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { opType } of fromBinary(ModelProtoSchema, model).graph!.node)
    counts[opType] = (counts[opType] ?? 0) + 1
  return counts
}
