/** The judges that took no part in training. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../data/index.js'
import { type Features, frechetDistance } from '../metrics/index.js'
import type { FeatureSpace } from './feature-space.js'
import { featuresOfDataset, Reference } from './feature-space.js'
import type { JUDGES } from './judges.js'
import { pixelSpace } from './pixel-features.js'
import { randomSpace } from './random-features.js'
import { judgedBy, picturesOf, savedPictures } from './real-pictures.js'
import { noisePictures, plainSpace } from './testing.js'

const differs = ({ data, count, dims }: Features) =>
  new Set(Array.from({ length: count }, (_, i) => data.subarray(i * dims, (i + 1) * dims).join())).size

/** The judges that are not trained. */
const SPACES: Readonly<
  Record<Exclude<keyof typeof JUDGES, 'own'>, (data: Dataset) => Promise<FeatureSpace>>
> = {
  pixels: async (data) => pixelSpace(data),
  'random-conv': (data) => randomSpace(data),
}

describe.each(Object.entries(SPACES))('%s', (name, spaceOf) => {
  it.each([
    [8, 3],
    [9, 1],
    [28, 1],
    [32, 3],
  ])('sees pictures of any size: %i, with %i channels', async (side, channels) => {
    const data = noisePictures(20, side, { channels })
    const space = await spaceOf(data)
    // Twenty pictures have nineteen directions in which they differ.
    expect(space.info).toMatchObject({ name, dims: 19, took_part: false })
    const features = await featuresOfDataset(space, data)
    expect([features.count, features.dims]).toEqual([20, 19])
    expect(features.data.every(Number.isFinite)).toBe(true)
    expect(differs(features)).toBe(20)
  })

  it('has 64 components where there are enough pictures, and is a pure function of them', async () => {
    const data = noisePictures(80, 8)
    const [space, again] = [await spaceOf(data), await spaceOf(data)]
    expect(space.info.dims).toBe(64)
    expect(again.info).toEqual(space.info)
    const others = await spaceOf(noisePictures(80, 8, { index: 1 }))
    expect(others.info.sha256).not.toBe(space.info.sha256)
  })

  it('sees pictures as they are saved', async () => {
    const data = noisePictures(20, 8)
    const space = await spaceOf(data)
    const pictures = picturesOf(data, judgedBy(data)).map((value) => 1.5 * value + 0.001)
    const [raw, saved] = [
      await space.features(pictures, 20),
      await space.features(savedPictures(pictures), 20),
    ]
    for (const [i, value] of raw.data.entries()) expect(value).toBeCloseTo(saved.data[i]!, 5)
  })

  it('is farther from blurred pictures than from others of their kind', async () => {
    const data = noisePictures(100, 8)
    const space = await spaceOf(data)
    const real = await featuresOfDataset(space, data)
    const others = noisePictures(100, 8, { index: 1 })
    const blurred = picturesOf(others, judgedBy(others)).map((value) => 0.3 * value)
    const distance = async (pictures: Float32Array) =>
      frechetDistance(real, await space.features(pictures, 100))
    expect(await distance(blurred)).toBeGreaterThan(
      1.5 * (await distance(picturesOf(others, judgedBy(others)))),
    )
  })
})

describe('a reference', () => {
  it('has no distance to itself, and more to other pictures', async () => {
    const data = noisePictures(40, 8, { channels: 1 })
    const reference = await Reference.of(plainSpace(64), data)
    const other = await featuresOfDataset(plainSpace(64), noisePictures(40, 8, { channels: 1, index: 1 }))
    expect(reference.fid(reference.real)).toBeLessThan(1e-6)
    expect(reference.fid(other)).toBeGreaterThan(1)
  })

  it('measures kernel distances at one scale, unless the space has its own', async () => {
    const data = noisePictures(30, 8, { channels: 1 })
    const other = noisePictures(30, 8, { channels: 1, index: 1 })
    const kid = async (scale: number, customary: boolean) => {
      const plain = plainSpace(64)
      const space: FeatureSpace = {
        ...plain,
        customary,
        features: async (pictures, count) =>
          plain.features(
            pictures.map((value) => value * scale),
            count,
          ),
      }
      const reference = await Reference.of(space, data)
      return reference.kid(await featuresOfDataset(space, other))
    }
    expect(await kid(8, false)).toBeCloseTo(await kid(1, false), 5)
    expect(Math.abs((await kid(8, true)) / (await kid(1, true)))).toBeGreaterThan(2)
  })
})
