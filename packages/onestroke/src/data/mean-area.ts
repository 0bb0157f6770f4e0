import { middleOf, type PictureSize } from '@onestroke/core/picture'

/**
 * The middle of a grey picture, scaled to another size that it covers: each pixel is the mean of the area that it covers.
 * Filters that keep edges sharp also take a share of what lies beside that area, which a mask must not: a pixel that it does not
 * touch would be painted a little.
 *
 * @param pixels [height, width], 0 to 255
 */
export const meanArea = (pixels: Uint8Array, from: PictureSize, to: PictureSize): Uint8Array => {
  const middle = middleOf(from, to)
  const columns = spansOf(from.width, middle.left, middle.width, to.width)
  const rows = spansOf(from.height, middle.top, middle.height, to.height)
  const area = (middle.width / to.width) * (middle.height / to.height)
  return Uint8Array.from({ length: to.height * to.width }, (_, i) => {
    let sum = 0
    for (const [y, tall] of rows[Math.floor(i / to.width)]!)
      for (const [x, wide] of columns[i % to.width]!) sum += tall * wide * pixels[y * from.width + x]!
    return Math.round(sum / area)
  })
}

/** For each of `parts` equal parts of a stretch of `length` pixels: the pixels in it, and how much of each. */
export const spansOf = (
  length: number,
  first: number,
  stretch: number,
  parts: number,
): [index: number, share: number][][] =>
  Array.from({ length: parts }, (_, part) => {
    const from = first + (part * stretch) / parts
    const to = first + ((part + 1) * stretch) / parts
    const begin = Math.floor(from)
    const end = Math.min(length, Math.ceil(to))
    return Array.from({ length: end - begin }, (_, i) => {
      const index = begin + i
      return [index, Math.min(index + 1, to) - Math.max(index, from)]
    })
  })
