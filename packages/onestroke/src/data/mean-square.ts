/**
 * The middle square of a grey picture, scaled to `resolution` × `resolution` pixels: each is the mean of the area that it covers.
 * Filters that keep edges sharp also take a share of what lies beside that area, which a mask must not: a pixel that it does not
 * touch would be painted a little.
 *
 * @param pixels [height, width], 0 to 255
 */
export const meanSquare = (
  pixels: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  resolution: number,
): Uint8Array => {
  const side = Math.min(width, height)
  const columns = spansOf(width, side, resolution)
  const rows = spansOf(height, side, resolution)
  const area = (side / resolution) ** 2
  return Uint8Array.from({ length: resolution ** 2 }, (_, i) => {
    let sum = 0
    for (const [y, tall] of rows[Math.floor(i / resolution)]!)
      for (const [x, wide] of columns[i % resolution]!) sum += tall * wide * pixels[y * width + x]!
    return Math.round(sum / area)
  })
}

/** For each of `resolution` equal parts of the middle `side` of `length` pixels: the pixels in it, and how much of each. */
const spansOf = (length: number, side: number, resolution: number): [index: number, share: number][][] => {
  const first = (length - side) / 2
  return Array.from({ length: resolution }, (_, part) => {
    const from = first + (part * side) / resolution
    const to = first + ((part + 1) * side) / resolution
    const begin = Math.floor(from)
    const end = Math.min(length, Math.ceil(to))
    return Array.from({ length: end - begin }, (_, i) => {
      const index = begin + i
      return [index, Math.min(index + 1, to) - Math.max(index, from)]
    })
  })
}
