/** What holds for every network, of either kind, whatever it is conditioned on. */
import { describe, expect, it } from 'vitest'
import { grad, interpret, referenceRuntime } from '../tensor/index.js'
import {
  type NetworkConfig,
  networkConfig,
  networkInputShapes,
  networkLayout,
  storedNetwork,
} from './index.js'
import {
  EXAMPLES,
  hourglassOf,
  networkProgram,
  randomArray,
  randomInputs,
  randomParameters,
  runNetwork,
  seamlessOf,
  unetOf,
} from './testing.js'

/** Inputs of the picture number i of a batch alone. */
const pictureOf = (inputs: Record<string, Float32Array>, i: number, batch: number) =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => {
      const size = values.length / batch
      return [name, values.subarray(i * size, (i + 1) * size)]
    }),
  )

describe.each(EXAMPLES)('%s', (_, config) => {
  const inputs = randomInputs(config, 2, 1)
  const parameters = randomParameters(config, 2)
  const F = runNetwork(config, inputs, parameters)

  it('gives pictures of the size of its input', () => {
    const program = networkProgram(config, 2)
    expect(program.outputs.F!.shape).toEqual([2, 3, 8, 8])
    expect(program.outputs.F!.shape).toEqual(networkInputShapes(config, 2).x)
    for (const value of F) expect(Number.isFinite(value)).toBe(true)
  })

  it('starts as zero, whatever goes in', () => {
    const layout = networkLayout(config)
    const start = runNetwork(config, inputs, layout.unflatten(layout.initialize(7)))
    expect(start.every((value) => value === 0)).toBe(true)
  })

  it('gives the same bits again', async () => {
    const executable = await referenceRuntime.compile(networkProgram(config, 2), { constants: parameters })
    const [first, second] = [await executable.run(inputs), await executable.run(inputs)]
    expect(second).toEqual(first)
    expect(first.F).toEqual(Float32Array.from(F))
  })

  it('treats every picture of a batch as if it were alone', () => {
    for (const i of [0, 1])
      expect(runNetwork(config, pictureOf(inputs, i, 2), parameters)).toEqual(F.slice(i * 192, (i + 1) * 192))
  })

  it('listens to each of its inputs', () => {
    for (const name of Object.keys(inputs)) {
      const changed = { ...inputs, [name]: inputs[name]!.map((value) => value + 0.5) }
      expect(runNetwork(config, changed, parameters)).not.toEqual(F)
    }
  })

  it('has no parameter without use', () => {
    const { inputs: tensors, outputs } = networkProgram(config, 2)
    const weighted = outputs.F!.sin().sum()
    const names = Object.keys(parameters)
    const gradients = grad(
      weighted,
      names.map((name) => tensors[name]!),
    )
    const named = Object.fromEntries(names.map((name, i) => [name, gradients[i]!]))
    const got = interpret({ inputs: tensors, outputs: named }, { ...inputs, ...parameters })
    const idle = names.filter((name) => Math.hypot(...got[name]!) < 1e-9)
    expect(idle).toEqual([])
  })

  it('is described by its config', () => {
    expect(networkConfig.parse(JSON.parse(JSON.stringify(storedNetwork(config))))).toEqual(config)
    const { specs } = networkLayout(config)
    expect(Object.keys(parameters)).toEqual(specs.map(({ name }) => name))
    expect(networkInputShapes(config, 5).c_noise).toEqual([5])
  })
})

/** Parameters of the networks below, in order: the keys of the model files that there are. */
const EMBEDDING = `
  embedding.noise.0.weight embedding.noise.0.bias embedding.noise.1.weight embedding.noise.1.bias
  embedding.guidance.0.weight embedding.guidance.0.bias embedding.guidance.1.weight
  embedding.guidance.1.bias embedding.tokens.weight embedding.condition.0.weight
  embedding.condition.0.bias embedding.condition.1.weight embedding.condition.1.bias
  embedding.tokens.position embedding.negative.0.weight embedding.negative.0.bias
  embedding.negative.1.weight embedding.negative.1.bias`
const HOURGLASS = `${EMBEDDING}
  input.weight position levels.0.modulation.weight levels.0.down.0.modulation
  levels.0.down.0.qkv.weight levels.0.down.0.out.weight levels.0.down.0.mlp.0.weight
  levels.0.down.0.mlp.1.weight levels.0.merge.weight levels.1.position levels.1.modulation.weight
  levels.1.down.0.modulation levels.1.down.0.qkv.weight levels.1.down.0.words.weight
  levels.1.down.0.out.weight levels.1.down.0.mlp.0.weight levels.1.down.0.mlp.1.weight
  levels.0.split.weight levels.0.up.0.modulation levels.0.up.0.qkv.weight levels.0.up.0.out.weight
  levels.0.up.0.mlp.0.weight levels.0.up.0.mlp.1.weight output.weight output.bias`
const UNET = `${EMBEDDING}
  input.weight input.bias down.0.0.modulation.weight down.0.0.0.weight down.0.0.0.bias
  down.0.0.1.weight down.0.0.1.bias down.1.merge.weight down.1.merge.bias down.1.0.modulation.weight
  down.1.0.0.weight down.1.0.0.bias down.1.0.1.weight down.1.0.1.bias down.1.0.attention.qkv.weight
  down.1.0.attention.words.weight down.1.0.attention.out.weight up.1.0.modulation.weight
  up.1.0.0.weight up.1.0.0.bias up.1.0.1.weight up.1.0.1.bias up.1.0.skip.weight up.1.0.skip.bias
  up.1.0.attention.qkv.weight up.1.0.attention.words.weight up.1.0.attention.out.weight
  up.1.1.modulation.weight up.1.1.0.weight up.1.1.0.bias up.1.1.1.weight up.1.1.1.bias
  up.1.1.skip.weight up.1.1.skip.bias up.1.1.attention.qkv.weight up.1.1.attention.words.weight
  up.1.1.attention.out.weight up.1.split.weight up.1.split.bias up.0.0.modulation.weight
  up.0.0.0.weight up.0.0.0.bias up.0.0.1.weight up.0.0.1.bias up.0.0.skip.weight up.0.0.skip.bias
  up.0.1.modulation.weight up.0.1.0.weight up.0.1.0.bias up.0.1.1.weight up.0.1.1.bias
  up.0.1.skip.weight up.0.1.skip.bias output.weight output.bias`
const prompted = { kind: 'text', vocabulary_size: 5, tokens: 2 } as const

describe.each([
  [
    'hourglass of squares',
    hourglassOf(prompted, true),
    HOURGLASS,
    [-1.0390279, 0.2671282, -0.8143982, -2.3747002],
  ],
  [
    'hourglass of neighbours',
    seamlessOf(prompted, true),
    HOURGLASS,
    [4.6844224, 3.0927778, 5.9772182, 0.039551],
  ],
  ['unet', unetOf(prompted, true), UNET, [1.3438286, 0.7580019, 1.9451139, 0.6000483]],
] as const)('a prompted and guided %s', (_, config, names, expected) => {
  const inputs = randomInputs(config, 1, 1)
  const parameters = randomParameters(config, 2)

  it('makes of the parameters of a model file what it always has', () => {
    expect(Object.keys(parameters)).toEqual(names.trim().split(/\s+/))
    const F = runNetwork(config, inputs, parameters)
    for (const [i, value] of expected.entries()) expect(F[50 * i]).toBeCloseTo(value, 5)
  })

  it('starts without guidance', () => {
    const layout = networkLayout(config)
    const fresh = layout.unflatten(layout.initialize(0))
    const guidance = Object.fromEntries(
      Object.entries(fresh).filter(([name]) => /(guidance|negative)\.1/.test(name)),
    )
    expect(Object.keys(guidance)).toHaveLength(4)
    const at = (w: number) =>
      runNetwork(config, { ...inputs, guidance_scale: Float32Array.of(w) }, { ...parameters, ...guidance })
    expect(at(7)).toEqual(at(1))
  })

  it('has an order: words exchanged are another prompt', () => {
    const [first, second] = [randomArray(5, 3), randomArray(5, 4)]
    const say = (...words: Float32Array[]) =>
      runNetwork(
        config,
        { ...inputs, condition: Float32Array.from(words.flatMap((word) => [...word])) },
        parameters,
      )
    expect(say(second, first)).not.toEqual(say(first, second))
  })
})

describe('networkConfig', () => {
  it.each<[string, unknown]>([
    ['an unknown type', { ...storedNetwork(hourglassOf()), type: 'mlp' }],
    ['an unknown key', { ...storedNetwork(unetOf()), dropout: 0.1 }],
    ['no levels', { ...storedNetwork(hourglassOf()), levels: [] }],
    ['half a pixel', { ...storedNetwork(hourglassOf()), patch_size: 0.5 }],
    ['a third side', { ...storedNetwork(hourglassOf()), resolution: [8, 8, 8] }],
    ['no side', { ...storedNetwork(hourglassOf()), resolution: undefined }],
    ['its form in memory', hourglassOf()],
    [
      'a class of two tokens',
      storedNetwork(unetOf({ kind: 'class', vocabulary_size: 3, tokens: 2 } as unknown as { kind: 'none' })),
    ],
  ])('refuses %s', (_, config) => {
    expect(networkConfig.safeParse(config).success).toBe(false)
  })
})

describe('the size of pictures in a config', () => {
  const stored = storedNetwork(hourglassOf())

  it('is one number where they are squares, as it always was, and else height and width', () => {
    expect(stored).toMatchObject({ type: 'hourglass', resolution: 8, channels: 3 })
    expect(networkConfig.parse({ ...stored, resolution: 32 })).toMatchObject({ height: 32, width: 32 })
    const wide = networkConfig.parse({ ...stored, resolution: [24, 48] })
    expect(wide).toMatchObject({ height: 24, width: 48 })
    expect(wide).not.toHaveProperty('resolution')
    expect(storedNetwork(wide).resolution).toEqual([24, 48])
  })
})

describe('networkLayout', () => {
  it.each<[string, NetworkConfig]>([
    ['patches that do not merge', { ...hourglassOf(), height: 8, width: 10 }],
    ['patches that do not merge, of a unet', { ...unetOf(), height: 10 }],
    ['heads that do not divide the width', { ...unetOf(), levels: [{ width: 4, depth: 1, attention: 3 }] }],
    ['groups that do not divide the width', { ...unetOf(), levels: [{ width: 5, depth: 1, attention: 0 }] }],
    ['patches that do not fill the picture', { ...unetOf(), patch_size: 3 }],
  ])('refuses %s', (_, config) => {
    expect(() => networkLayout(config)).toThrow(RangeError)
  })
})
