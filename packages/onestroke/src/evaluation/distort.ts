/** Distorted copies of pictures, which a feature network must recognise. */
import { type PictureShape, sizeOf } from '@onestroke/core/picture'
import type { Random } from '@onestroke/core/random'
import { type Dataset, readPicture } from '../data/index.js'

export const pictureOf = (dataset: Dataset, index: number): Float32Array => {
  const out = new Float32Array(sizeOf(dataset))
  readPicture(dataset, index, out, 0)
  return out
}

/**
 * Shifts and scales the picture a little, changes contrast and brightness a little, and adds noise, so that features
 * depend on what is shown and in which colours, not on single pixels. picture and out [C, H, W] in [-1, 1].
 */
export const distort = (
  picture: Float32Array,
  out: Float32Array,
  { channels, height, width }: PictureShape,
  random: Random,
): void => {
  const zoom = Math.exp(0.12 * random.normal())
  const [dx, dy] = [0.06 * width * random.normal(), 0.06 * height * random.normal()]
  const contrast = Math.exp(0.1 * random.normal())
  const brightness = 0.06 * random.normal()
  const noise = 0.15 * random.uniform() ** 2
  const clamp = (value: number, n: number) => Math.min(Math.max(value, 0), n - 1)
  for (let y = 0; y < height; y++) {
    const sy = clamp((y - height / 2 + 0.5) * zoom + height / 2 - 0.5 + dy, height)
    const [y0, fy] = [Math.floor(sy), sy % 1]
    const y1 = Math.min(y0 + 1, height - 1)
    for (let x = 0; x < width; x++) {
      const sx = clamp((x - width / 2 + 0.5) * zoom + width / 2 - 0.5 + dx, width)
      const [x0, fx] = [Math.floor(sx), sx % 1]
      const x1 = Math.min(x0 + 1, width - 1)
      for (let c = 0; c < channels; c++) {
        const at = (row: number, column: number) => picture[(c * height + row) * width + column]!
        const top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx
        const bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx
        const value = top * (1 - fy) + bottom * fy
        out[(c * height + y) * width + x] = value * contrast + brightness + noise * random.normal()
      }
    }
  }
}
