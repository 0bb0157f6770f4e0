import { describe, expect, it } from 'vitest'
import { Random } from '../random/index.js'
import { grad, interpret, trace } from '../tensor/index.js'
import {
  autoencoderConfig,
  autoencoderLayout,
  decodeProgram,
  encodeProgram,
  factorOf,
  LATENT_SIGMA_DATA,
  latentShape,
  pictureShape,
  previewOf,
  reconstructionError,
} from './index.js'
import { GLOBAL, SMALL } from './testing.js'

const randomArray = (size: number, step: number): Float32Array => {
  const values = new Float32Array(size)
  new Random({ seed: 1, stream: 1, step, index: 0 }).fillNormal(values)
  return values
}

describe.each(Object.values(SMALL))('an autoencoder: $type', (config) => {
  const { type } = config
  const layout = autoencoderLayout(config)
  /** Every weight is random, also those that begin as zeros. */
  const weights = layout.unflatten(randomArray(layout.size, 0).map((value) => 0.3 * value))
  const encoded = (pictures: Float32Array, batch: number, size: { height: number; width: number }) =>
    Float32Array.from(interpret(encodeProgram(config, batch, size), { pictures, ...only('encoder') }).points!)
  const decoded = (points: Float32Array, batch: number, size: { height: number; width: number }) =>
    interpret(decodeProgram(config, batch, size), { points, ...only('decoder') }).pictures!
  const only = (half: string) =>
    Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith(`${half}.`)))

  it('has latents as much smaller as its factor says, for any multiple of it', () => {
    expect(factorOf(config)).toBe(4)
    expect(latentShape(config, { height: 8, width: 20 })).toEqual({ channels: 2, height: 2, width: 5 })
    expect(pictureShape(config, { height: 2, width: 5 })).toEqual({ channels: 3, height: 8, width: 20 })
    expect(encoded(randomArray(2 * 3 * 8 * 20, 1), 2, { height: 8, width: 20 })).toHaveLength(2 * 2 * 2 * 5)
    expect(decoded(randomArray(2 * 2 * 2 * 5, 2), 2, { height: 2, width: 5 })).toHaveLength(2 * 3 * 8 * 20)
  })

  it('refuses sides that are no multiples of it', () => {
    expect(() => encodeProgram(config, 1, { height: 8, width: 10 })).toThrow(
      'this autoencoder takes pictures whose sides are multiples of 4, not 10',
    )
  })

  it('takes every picture of a batch as if it were alone', () => {
    const size = { height: 8, width: 12 }
    const pictures = randomArray(2 * 3 * 96, 3)
    const points = encoded(pictures, 2, size)
    expect(encoded(pictures.slice(288), 1, size)).toEqual(points.slice(points.length / 2))
    const back = decoded(points, 2, { height: 2, width: 3 })
    expect(decoded(points.slice(points.length / 2), 1, { height: 2, width: 3 })).toEqual(
      back.slice(back.length / 2),
    )
  })

  if (!GLOBAL.includes(type))
    it('decodes a place without looking far: tiles with a margin are the whole picture', () => {
      const [height, width] = [4, 24]
      const points = randomArray(2 * height * width, 4)
      const whole = decoded(points, 1, { height, width })
      /** The left half of the picture, and `margin` columns of latents beyond it. */
      const margin = 8
      const left = new Float32Array(2 * height * (12 + margin))
      for (let row = 0; row < 2 * height; row++)
        left.set(points.subarray(row * width, row * width + 12 + margin), row * (12 + margin))
      const tile = decoded(left, 1, { height, width: 12 + margin })
      for (let row = 0; row < 3 * 4 * height; row++) {
        const [a, b] = [row * 4 * width, row * 4 * (12 + margin)]
        for (let x = 0; x < 48; x++) expect(tile[b + x]).toBeCloseTo(whole[a + x]!, 5)
      }
    })

  it('gives points of mean 0 and the usual deviation where its latents are as the config says', () => {
    const plain = { ...config, latents_mean: [0, 0], latents_std: [LATENT_SIGMA_DATA, LATENT_SIGMA_DATA] }
    const size = { height: 8, width: 8 }
    const pictures = randomArray(3 * 64, 5)
    const raw = interpret(encodeProgram(plain, 1, size), { pictures, ...only('encoder') }).points!
    const points = encoded(pictures, 1, size)
    for (const [i, value] of points.entries()) {
      const channel = i < 4 ? 0 : 1
      const expected =
        ((raw[i]! - config.latents_mean[channel]!) / config.latents_std[channel]!) * LATENT_SIGMA_DATA
      expect(Math.abs(value - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)))
    }
  })

  it('has no parameter without use', () => {
    const names = layout.specs.map(({ name }) => name)
    const used = (program: ReturnType<typeof encodeProgram>, output: string, half: string, input: string) => {
      const mine = names.filter((name) => name.startsWith(half))
      const tensors = mine.map((name) => program.inputs[name]!)
      const gradients = grad(program.outputs[output]!.sin().sum(), tensors)
      const outputs = Object.fromEntries(mine.map((name, i) => [name, gradients[i]!]))
      const size = program.inputs[input]!.size
      const got = interpret(
        { inputs: program.inputs, outputs },
        { [input]: randomArray(size, 6), ...only(half.slice(0, -1)) },
      )
      // What is added to all keys alike changes no attention.
      return mine.filter((name) => Math.hypot(...got[name]!) > 1e-9 || name.endsWith('.to_k.bias'))
    }
    const size = { height: 8, width: 8 }
    expect([
      ...used(encodeProgram(config, 1, size), 'points', 'encoder.', 'pictures'),
      ...used(decodeProgram(config, 1, { height: 2, width: 2 }), 'pictures', 'decoder.', 'points'),
    ]).toEqual(names)
  })

  it('is described by its config', () => {
    expect(autoencoderConfig.parse(JSON.parse(JSON.stringify(config)))).toEqual(config)
  })
})

describe.each(Object.values(SMALL))('previewOf $type', (config) => {
  it('gives each point the colour that a linear map tells, over all of its square', () => {
    const picture = { channels: 3, height: 8, width: 12 }
    const preview = [
      [1, 0, 0],
      [0, 2, 0],
      [0.5, 0.5, 0.25],
    ]
    const points = randomArray(2 * 2 * 2 * 3, 8)
    const found = previewOf({ ...config, preview }, points, picture)!
    expect(found).toHaveLength(2 * 3 * 96)
    const point = (i: number, k: number, y: number, x: number) => points[((i * 2 + k) * 2 + y) * 3 + x]!
    for (const [at, value] of found.entries()) {
      const [x, y] = [(at % 12) >> 2, (Math.floor(at / 12) % 8) >> 2]
      const [c, i] = [Math.floor(at / 96) % 3, Math.floor(at / 288)]
      const [a, b, added] = preview[c] as [number, number, number]
      expect(value).toBeCloseTo(a * point(i, 0, y, x) + b * point(i, 1, y, x) + added, 5)
    }
    expect(previewOf(config, points, picture)).toBeUndefined()
  })
})

describe('reconstructionError', () => {
  const errorOf = (y: Float32Array, x: Float32Array, side: number): number =>
    interpret(
      trace({ x: [1, 1, side, side], y: [1, 1, side, side] }, ({ x, y }) => ({
        error: reconstructionError(y, x),
      })),
      { x, y },
    ).error![0]!

  it('is 0 for the picture itself, and the difference where that is the same everywhere', () => {
    const x = randomArray(64, 7)
    expect(errorOf(x, x, 8)).toBe(0)
    expect(
      errorOf(
        x.map((value) => value - 0.25),
        x,
        8,
      ),
    ).toBeCloseTo(0.25, 5)
  })

  it('counts the steps of a slope at each scale: one, two and four times as long', () => {
    const slope = Float32Array.from({ length: 64 }, (_, i) => 0.01 * (i % 8))
    // Its mean is 0.035; along one axis steps are 0.01, 0.02 and 0.04, and along the other there are none.
    expect(errorOf(slope, new Float32Array(64), 8)).toBeCloseTo(0.035 + 0.01 + 0.02 + 0.04, 6)
  })
})
