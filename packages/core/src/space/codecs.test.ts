import { describe, expect, it } from 'vitest'
import { LATENT_SIGMA_DATA } from '../autoencoder/index.js'
import { SMALL } from '../autoencoder/testing.js'
import { codecOf, PIXELS, pictureOf, pointsOf, spaceSchema } from './index.js'
import { halvingCodec } from './testing.js'

const picture = { channels: 3, height: 4, width: 2 }
const pictures = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i))
const never = () => Promise.reject(new Error('nothing is run'))

it('pixels are the pictures themselves, and not a copy', async () => {
  const codec = codecOf(PIXELS, picture, never)
  expect(codec).toMatchObject({ shape: picture, picture, sigma_data: 0.5, exact: true })
  expect(pointsOf(PIXELS, picture)).toEqual({ shape: picture, sigma_data: 0.5 })
  expect(pictureOf(PIXELS, codec.shape)).toEqual(picture)
  expect(await codec.encode(pictures)).toBe(pictures)
  expect(await codec.decode(pictures)).toBe(pictures)
})

describe('latents', () => {
  const space = { kind: 'latents', autoencoder: SMALL.convolutional } as const
  const whole = { channels: 3, height: 512, width: 256 }
  const shape = { channels: 2, height: 128, width: 64 }

  it('have the shape that the autoencoder gives them, and its deviation', () => {
    expect(pointsOf(space, whole)).toEqual({ shape, sigma_data: LATENT_SIGMA_DATA })
    expect(pictureOf(space, shape)).toEqual(whole)
    expect(spaceSchema.parse(JSON.parse(JSON.stringify(space)))).toEqual(space)
  })

  it('are refused of pictures of other channels or sides', () => {
    expect(() => pointsOf(space, { ...whole, channels: 1 })).toThrow('pictures of 3 channels, not of 1')
    expect(() => pointsOf(space, { ...whole, width: 258 })).toThrow('multiples of 4, not 258')
  })

  it('pass through the halves a few at a time, in order', async () => {
    const seen: [string, number][] = []
    const codec = codecOf(space, whole, async (half, values, batch) => {
      seen.push([half, batch])
      const [from, to] = half === 'encoder' ? [whole, shape] : [shape, whole]
      expect(values).toHaveLength(batch * from.channels * from.height * from.width)
      // Each becomes its first number, everywhere.
      const each = to.channels * to.height * to.width
      const size = values.length / batch
      return Float32Array.from({ length: batch * each }, (_, i) => values[Math.floor(i / each) * size]!)
    })
    const size = 3 * 512 * 256
    const points = await codec.encode(Float32Array.from({ length: 9 * size }, (_, i) => Math.floor(i / size)))
    const each = 2 * 128 * 64
    expect([...Array(9).keys()].map((i) => points[i * each])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect((await codec.decode(points))[8 * size + 1]).toBe(8)
    expect(seen).toEqual([
      ['encoder', 8],
      ['encoder', 1],
      ['decoder', 8],
      ['decoder', 1],
    ])
    expect(codec.exact).toBe(false)
  })
})

it('the codec of tests takes back what it made of pictures of as few pixels', async () => {
  const { codec } = halvingCodec(picture)
  const points = await codec.encode(pictures)
  expect(points).toHaveLength(12)
  expect(points[0]).toBeCloseTo(2 * ((pictures[0]! + pictures[1]! + pictures[2]! + pictures[3]!) / 4), 6)
  const coarse = await codec.decode(points)
  expect(coarse).toHaveLength(48)
  expect([...coarse.subarray(0, 4)]).toEqual(Array(4).fill(coarse[0]))
  expect(await codec.encode(coarse)).toEqual(points)
})
