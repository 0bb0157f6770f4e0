/** Judges of pictures that are no squares. */
import { expect, it } from 'vitest'
import { nodeRuntime } from '../runtime/index.js'
import { trainFeatureNetwork } from './feature-network.js'
import { FeatureExtractor } from './features.js'
import { judgesFor } from './judges.js'
import { picturesOf } from './real-pictures.js'
import { noisePictures } from './testing.js'

it.each([
  [24, 48],
  [96, 64],
])('the spaces of all judges take pictures of %i×%i, each in a row as alone', async (height, width) => {
  const dataset = noisePictures(12, { height, width })
  // Training at the larger size takes too long for a test.
  const own =
    height > 24
      ? null
      : await FeatureExtractor.open(await trainFeatureNetwork(dataset, nodeRuntime(), { steps: 1 }), 'own')
  for (const space of await judgesFor(dataset, dataset, { own })) {
    const [all, one] = [
      await space.features(picturesOf(dataset, [0, 1, 2]), 3),
      await space.features(picturesOf(dataset, [2]), 1),
    ]
    expect([all.count, one.count]).toEqual([3, 1])
    const { dims } = one
    for (let i = 0; i < dims; i++) expect(all.data[2 * dims + i]).toBeCloseTo(one.data[i]!, 4)
    expect(all.data.slice(0, dims)).not.toEqual(one.data)
  }
})

it('a network of another size sees the whole picture: left and right stay where they are', async () => {
  const { toOnnx, trace } = await import('@onestroke/core/tensor')
  // The means of the left and of the right half of 4×4.
  const network = trace({ x: [1, 1, 4, 4] }, ({ x }) => ({
    y: x!.reshape([1, 4, 2, 2]).mean([1, 3]).reshape([1, 2]),
  }))
  const extractor = await FeatureExtractor.open(toOnnx(network), 'halves')
  const shape = { channels: 1, height: 8, width: 16 }
  const picture = Float32Array.from({ length: 128 }, (_, i) => (i % 16 < 8 ? -1 : 1))
  const { data } = await extractor.extract(picture, 1, shape)
  expect(data[0]).toBeCloseTo(-1, 5)
  expect(data[1]).toBeCloseTo(1, 5)
})
