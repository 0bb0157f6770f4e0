/**
 * Drawings in the model's own size: what strokes, fills and masks make of their pixels. It is done in arrays, not by a canvas, so
 * that a pixel which nothing touches keeps its bytes.
 */

/** A picture, and what of it is painted anew. Never changed in place. */
export interface Drawing {
  /** Pixels of a side. */
  readonly resolution: number
  /** RGBA [resolution, resolution], opaque. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>
  /** [resolution, resolution]: 1 is painted anew, 0 stays. */
  readonly mask: Uint8Array<ArrayBuffer>
}

/** A place in a picture; both coordinates go from 0 to 1. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** How much of each pixel a stroke covers, [resolution, resolution] in [0, 1]. Grows as the stroke goes on. */
export type Covered = Float32Array

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number]

export const WHITE: Colour = [255, 255, 255]

/** White paper, nothing of it masked. */
export const blank = (resolution: number): Drawing => ({
  resolution,
  pixels: new Uint8ClampedArray(4 * resolution ** 2).fill(255),
  mask: new Uint8Array(resolution ** 2),
})

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
 * @param size the brush's diameter as a share of the picture's side; it is a pixel at least.
 */
export const cover = (covered: Covered, resolution: number, from: Point, to: Point, size: number): void => {
  const radius = Math.max(1, size * resolution) / 2
  const ax = from.x * resolution
  const ay = from.y * resolution
  const dx = to.x * resolution - ax
  const dy = to.y * resolution - ay
  const length = dx * dx + dy * dy
  const first = (a: number, d: number) => Math.max(0, Math.floor(Math.min(a, a + d) - radius - 1))
  const last = (a: number, d: number) => Math.min(resolution, Math.ceil(Math.max(a, a + d) + radius + 1))
  for (let y = first(ay, dy); y < last(ay, dy); y++)
    for (let x = first(ax, dx); x < last(ax, dx); x++) {
      const px = x + 0.5 - ax
      const py = y + 0.5 - ay
      const along = length > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0
      const distance = Math.hypot(px - along * dx, py - along * dy)
      const share = Math.min(1, Math.max(0, radius + 0.5 - distance))
      const i = y * resolution + x
      if (share > covered[i]!) covered[i] = share
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
  const { resolution } = drawing
  const pixels = drawing.pixels.slice()
  const place = (share: number) => Math.min(resolution - 1, Math.max(0, Math.floor(share * resolution)))
  const start = place(at.y) * resolution + place(at.x)
  const isAlike = (i: number) =>
    [0, 1, 2].every((c) => Math.abs(drawing.pixels[4 * i + c]! - drawing.pixels[4 * start + c]!) <= TOLERANCE)
  const seen = new Set([start])
  // What is added while it is walked through is walked through, too.
  for (const i of seen) {
    pixels.set(colour, 4 * i)
    const x = i % resolution
    const beside = [
      x > 0 ? i - 1 : -1,
      x + 1 < resolution ? i + 1 : -1,
      i - resolution,
      i + resolution < resolution ** 2 ? i + resolution : -1,
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
