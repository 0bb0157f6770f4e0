/** Pictures from anywhere, in the model's size. */
import { enlargement, fromRGBA, toRGBA, unenlarged } from '@onestroke/core/pipeline'
import type { Drawing } from './brush.js'

/** What a model's pictures are like. */
export interface Shape {
  readonly resolution: number
  readonly channels: number
}

/** A drawing as a model sees it: of its size, and grey if its pictures are. One that fits is returned as it is. */
export const fitted = (drawing: Drawing, { resolution, channels }: Shape): Drawing => {
  const sized = drawing.resolution === resolution ? drawing : scaled(drawing, resolution)
  if (channels !== 1) return sized
  return { ...sized, pixels: toRGBA(fromRGBA(sized.pixels, 1), 0, 1, resolution ** 2) }
}

const scaled = ({ resolution: from, pixels, mask }: Drawing, resolution: number): Drawing => ({
  resolution,
  pixels: squareOf(new ImageData(pixels, from, from), resolution),
  mask: Uint8Array.from({ length: resolution ** 2 }, (_, i) => {
    const at = (place: number) => Math.floor(((place + 0.5) * from) / resolution)
    return mask[at(Math.floor(i / resolution)) * from + at(i % resolution)]!
  }),
})

/**
 * A picture of any size as RGBA of a square: scaled to cover it and cropped to its middle, as DATA and `edit` are read, over white. One of
 * this size keeps its bytes, and so does one that was enlarged from this size by a whole number.
 */
export const squareOf = (
  picture: ImageData | ImageBitmap,
  resolution: number,
): Uint8ClampedArray<ArrayBuffer> => {
  const { width, height } = picture
  if (picture instanceof ImageData && width === resolution && height === resolution)
    return new Uint8ClampedArray(picture.data)
  const exact = beforeEnlarging(picture, resolution)
  if (exact) return exact
  const side = Math.min(width, height)
  const left = Math.floor((width - side) / 2)
  const top = Math.floor((height - side) / 2)
  // The square is cut out before it is scaled, so that nothing from beside it bleeds in at its borders.
  const square = newContext(side)
  if (picture instanceof ImageData) square.putImageData(picture, -left, -top)
  else square.drawImage(picture, -left, -top)
  const small = newContext(resolution)
  small.fillStyle = '#ffffff'
  small.fillRect(0, 0, resolution, resolution)
  small.imageSmoothingQuality = 'high'
  small.drawImage(square.canvas, 0, 0, resolution, resolution)
  return new Uint8ClampedArray(small.getImageData(0, 0, resolution, resolution).data)
}

/** See `unenlarged`. */
const beforeEnlarging = (
  picture: ImageData | ImageBitmap,
  resolution: number,
): Uint8ClampedArray<ArrayBuffer> | undefined => {
  const { width, height } = picture
  if (enlargement(width, height, resolution) === undefined) return undefined
  const { data } = picture instanceof ImageData ? picture : onWhite(picture)
  return unenlarged(new Uint8ClampedArray(data), { width, height, channels: 4 }, resolution)
}

const onWhite = (picture: ImageBitmap): ImageData => {
  const { width, height } = picture
  const context = newContext(width, height)
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, width, height)
  context.drawImage(picture, 0, 0)
  return context.getImageData(0, 0, width, height)
}

const newContext = (width: number, height = width): CanvasRenderingContext2D => {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  return canvas.getContext('2d', { willReadFrequently: true })!
}
