import { expect, it } from 'vitest'
import { codecOf, PIXELS, pictureOf } from './index.js'
import { halvingCodec } from './testing.js'

const picture = { channels: 3, height: 4, width: 2 }
const pictures = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i))

it('pixels are the pictures themselves, and not a copy', async () => {
  const codec = codecOf(PIXELS, picture)
  expect(codec).toMatchObject({ shape: picture, picture, sigma_data: 0.5 })
  expect(pictureOf(PIXELS, codec.shape)).toEqual(picture)
  expect(await codec.encode(pictures)).toBe(pictures)
  expect(await codec.decode(pictures)).toBe(pictures)
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
