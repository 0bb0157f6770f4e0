/** A space for tests whose points are neither the values nor the size of pictures. */
import { type PictureShape, sizeOf } from '../picture/index.js'
import type { Codec } from './index.js'

/** Twice the mean of every 2×2 pixels; back, each point is four pixels. It counts what passes through it. */
export const halvingCodec = (picture: PictureShape) => {
  const shape = { channels: picture.channels, height: picture.height / 2, width: picture.width / 2 }
  const passed = { encoded: 0, decoded: 0 }
  /** Where the points of `count` pictures' values are. */
  const pointOf = (at: number): number => {
    const x = at % picture.width
    const row = Math.floor(at / picture.width)
    const y = row % picture.height
    const plane = Math.floor(row / picture.height)
    return (plane * shape.height + (y >> 1)) * shape.width + (x >> 1)
  }
  const codec: Codec = {
    shape,
    picture,
    sigma_data: 1,
    exact: false,
    async encode(pictures) {
      passed.encoded++
      const points = new Float32Array(pictures.length / 4)
      for (const [at, value] of pictures.entries()) points[pointOf(at)]! += value / 2
      return points
    },
    preview: () => undefined,
    async decode(points) {
      passed.decoded++
      const count = points.length / sizeOf(shape)
      return Float32Array.from({ length: count * sizeOf(picture) }, (_, at) => points[pointOf(at)]! / 2)
    },
  }
  return { codec, passed }
}
