import { describe, expect, it } from 'vitest'
import { type NetworkConfig, networkConfig, networkLayout } from '../nn/index.js'
import { interpret } from '../tensor/index.js'
import { type DenoiserConfig, EDM } from './denoiser.js'
import { denoiseProgram } from './program.js'
import { distance, generator, RANGE } from './testing.js'

const embedding = { width: 4, token_width: 3, guidance_embedding: false, condition: { kind: 'none' } }
const text = { kind: 'text', vocabulary: 5, tokens: 2 }
const hourglass = {
  type: 'hourglass',
  resolution: 4,
  channels: 3,
  patch_size: 2,
  levels: [{ width: 4, depth: 1, heads: 2, window: 2 }],
  mlp_ratio: 2,
}
const unet = {
  type: 'unet',
  resolution: 4,
  channels: 1,
  patch_size: 2,
  levels: [{ width: 4, depth: 1, attention: 1 }],
  groups: 2,
}

const NETWORKS: readonly { name: string; network: NetworkConfig; extra: Record<string, number[]> }[] = [
  { name: 'hourglass', network: networkConfig.parse({ ...hourglass, embedding }), extra: {} },
  {
    name: 'hourglass with words and guidance',
    network: networkConfig.parse({
      ...hourglass,
      embedding: { ...embedding, condition: text, guidance_embedding: true },
    }),
    extra: { condition: [2, 2, 5], guidance_scale: [2], negative: [2, 2, 5] },
  },
  {
    name: 'unet with classes',
    network: networkConfig.parse({
      ...unet,
      embedding: { ...embedding, condition: { kind: 'class', vocabulary: 7, tokens: 1 } },
    }),
    extra: { condition: [2, 1, 7] },
  },
]

const configOf = (network: NetworkConfig, boundary: boolean): DenoiserConfig => ({
  ...RANGE,
  network,
  ...EDM,
  boundary,
})

/** Random values for all inputs but sigma: no weight is zero, as some are in a fresh network. */
const someInputs = (program: ReturnType<typeof denoiseProgram>, sigma: readonly number[]) => {
  const random = generator(5)
  const values = Object.entries(program.inputs).map(([name, { size }]) => [
    name,
    Float64Array.from({ length: size }, () =>
      name === 'guidance_scale' ? 1 + random.uniform() : random.normal(),
    ),
  ])
  return { ...Object.fromEntries(values), sigma } as Record<string, ArrayLike<number>>
}

describe.each(NETWORKS)('denoiseProgram: $name', ({ network, extra }) => {
  const program = denoiseProgram(configOf(network, false), 2)
  const { specs } = networkLayout(network)
  const picture = [2, network.channels, 4, 4]

  it('takes pictures, noise levels, what the network is conditioned on, and the weights by name', () => {
    const shapes = Object.fromEntries(
      Object.entries(program.inputs).map(([name, { shape }]) => [name, shape]),
    )
    const weights = Object.fromEntries(specs.map(({ name, shape }) => [name, shape]))
    expect(shapes).toEqual({ x: picture, sigma: [2], ...extra, ...weights })
    expect(program.outputs.denoised!.shape).toEqual(picture)
    expect(Object.keys(program.outputs)).toEqual(['denoised'])
  })

  it('depends on all of them', () => {
    const inputs = someInputs(program, [0.5, 2])
    const { denoised } = interpret(program, inputs)
    for (const name of Object.keys(program.inputs)) {
      const changed = interpret(program, {
        ...inputs,
        [name]: Float64Array.from(inputs[name]!, (v) => 1.5 * v),
      })
      expect(distance(changed.denoised!, denoised!), name).toBeGreaterThan(1e-9)
    }
  })

  it('does not mix the pictures of a batch', () => {
    const inputs = someInputs(program, [0.5, 2])
    const { denoised } = interpret(program, inputs)
    const half = denoised!.length / 2
    const x = Float64Array.from(inputs.x!, (value, i) => (i < half ? value : -value))
    const { denoised: other } = interpret(program, { ...inputs, x, sigma: [0.5, 3] })
    expect(other!.slice(0, half)).toEqual(denoised!.slice(0, half))
    expect(other!.slice(half)).not.toEqual(denoised!.slice(half))
  })

  it('is c_skip·x for a fresh network, and the identity at sigma_min for any consistency model', () => {
    const fresh = Object.fromEntries(
      Object.entries(networkLayout(network).unflatten(networkLayout(network).initialize(1))),
    )
    const inputs = { ...someInputs(program, [0.5, 2]), ...fresh }
    const { denoised } = interpret(program, inputs)
    const half = denoised!.length / 2
    for (const [i, value] of denoised!.entries())
      expect(value).toBeCloseTo(inputs.x![i]! * (i < half ? 1 / 2 : 1 / 17), 12)

    const consistency = denoiseProgram(configOf(network, true), 2)
    const boundary = someInputs(consistency, [RANGE.sigma_min, RANGE.sigma_max])
    const { denoised: end } = interpret(consistency, boundary)
    expect(end!.slice(0, half)).toEqual(Float64Array.from(boundary.x!).slice(0, half))
    expect(end!.slice(half)).not.toEqual(Float64Array.from(boundary.x!).slice(half))
  })
})
