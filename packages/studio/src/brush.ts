/**
 * Drawings in the model's own size: what strokes, fills and masks make of their pixels. It is done in arrays, not by a canvas, so
 * that a pixel which nothing touches keeps its bytes.
 */

import { type PictureSize, pixelsOf } from '@onestroke/core/picture'

/** A picture, and what of it is painted anew. Never changed in place. */
export interface Drawing extends PictureSize {
  /** RGBA [height, width], opaque. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>
  /** [height, width]: 1 is painted anew, 0 stays. */
  readonly mask: Uint8Array<ArrayBuffer>
}

/** A place in a picture; both coordinates go from 0 to 1. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** How much of each pixel a stroke covers, [height, width] in [0, 1]. Grows as the stroke goes on. */
export type Covered = Float32Array

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number]

export const WHITE: Colour = [255, 255, 255]

/** White paper, nothing of it masked. */
export const blank = ({ height, width }: PictureSize): Drawing => ({
  height,
  width,
  pixels: new Uint8ClampedArray(4 * height * width).fill(255),
  mask: new Uint8Array(height * width),
})

/** Pixels of a brush's diameter, which is a share of the picture's longer side. It is a pixel at least. */
export const brushPixels = ({ height, width }: PictureSize, share: number): number =>
  Math.max(1, share * Math.max(height, width))

export const isBlank = ({ pixels, mask }: Drawing): boolean =>
  pixels.every((value) => value === 255) && mask.every((value) => value === 0)

/** @param hex `#rrggbb` */
export const colourOf = (hex: string): Colour => {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/**
 * Adds a part of a stroke to what it covers, in place. A part that ends where it begins is a dot.
 *
 * @param share the brush's diameter: see `brushPixels`.
 */
export const cover = (covered: Covered, size: PictureSize, from: Point, to: Point, share: number): void => {
  const { height, width } = size
  const radius = brushPixels(size, share) / 2
  const ax = from.x * width
  const ay = from.y * height
  const dx = to.x * width - ax
  const dy = to.y * height - ay
  const length = dx * dx + dy * dy
  const first = (a: number, d: number) => Math.max(0, Math.floor(Math.min(a, a + d) - radius - 1))
  const last = (a: number, d: number, side: number) =>
    Math.min(side, Math.ceil(Math.max(a, a + d) + radius + 1))
  for (let y = first(ay, dy); y < last(ay, dy, height); y++)
    for (let x = first(ax, dx); x < last(ax, dx, width); x++) {
      const px = x + 0.5 - ax
      const py = y + 0.5 - ay
      const along = length > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0
      const distance = Math.hypot(px - along * dx, py - along * dy)
      const part = Math.min(1, Math.max(0, radius + 0.5 - distance))
      const i = y * width + x
      if (part > covered[i]!) covered[i] = part
    }
}

/** The drawing with a colour where the stroke is, as much as it covers. */
export const painted = (drawing: Drawing, covered: Covered, colour: Colour): Drawing => {
  const pixels = drawing.pixels.slice()
  for (const [i, share] of covered.entries())
    if (share > 0)
      for (const [c, value] of colour.entries())
        pixels[4 * i + c] = pixels[4 * i + c]! + share * (value - pixels[4 * i + c]!)
  return { ...drawing, pixels }
}

/** A smaller share of a pixel does not mask it. Wherever a brush of one pixel is set down, one pixel has more. */
const LEAST_SHARE = 0.25

/** The drawing whose mask has this value where the stroke is. A pixel is masked or not, nothing between. */
export const masked = (drawing: Drawing, covered: Covered, value: 0 | 1): Drawing => ({
  ...drawing,
  mask: drawing.mask.map((one, i) => (covered[i]! >= LEAST_SHARE ? value : one)),
})

/** How far a channel may be from the colour of where a fill begins: edges of strokes are between two colours. */
const TOLERANCE = 48

/** The drawing with a colour over all that is about as a point is, and joined to it. */
export const filled = (drawing: Drawing, at: Point, colour: Colour): Drawing => {
  const { height, width } = drawing
  const pixels = drawing.pixels.slice()
  const place = (share: number, side: number) => Math.min(side - 1, Math.max(0, Math.floor(share * side)))
  const start = place(at.y, height) * width + place(at.x, width)
  const isAlike = (i: number) =>
    [0, 1, 2].every((c) => Math.abs(drawing.pixels[4 * i + c]! - drawing.pixels[4 * start + c]!) <= TOLERANCE)
  const seen = new Set([start])
  // What is added while it is walked through is walked through, too.
  for (const i of seen) {
    pixels.set(colour, 4 * i)
    const x = i % width
    const beside = [
      x > 0 ? i - 1 : -1,
      x + 1 < width ? i + 1 : -1,
      i - width,
      i + width < pixelsOf(drawing) ? i + width : -1,
    ]
    for (const next of beside) if (next >= 0 && isAlike(next)) seen.add(next)
  }
  return { ...drawing, pixels }
}

export const maskInverted = (drawing: Drawing): Drawing => ({
  ...drawing,
  mask: drawing.mask.map((value) => 1 - value),
})

export const maskCleared = (drawing: Drawing): Drawing => ({
  ...drawing,
  mask: new Uint8Array(drawing.mask.length),
})
