/** Pictures from anywhere, in the model's size. */
import { isSameSize, middleOf, type PictureShape, type PictureSize, pixelsOf } from '@onestroke/core/picture'
import { enlargement, fromRGBA, toRGBA, unenlarged } from '@onestroke/core/pipeline'
import type { Drawing } from './brush.js'

/** A drawing as a model sees it: of its size, and grey if its pictures are. One that fits is returned as it is. */
export const fitted = (drawing: Drawing, { channels, height, width }: PictureShape): Drawing => {
  const size = { height, width }
  const sized = isSameSize(drawing, size) ? drawing : scaled(drawing, size)
  if (channels !== 1) return sized
  return { ...sized, pixels: toRGBA(fromRGBA(sized.pixels, 1), 0, { channels, ...size }) }
}

const scaled = (drawing: Drawing, to: PictureSize): Drawing => {
  const { pixels, mask, width } = drawing
  const middle = middleOf(drawing, to)
  return {
    ...to,
    pixels: rgbaOf(new ImageData(pixels, width, drawing.height), to),
    mask: Uint8Array.from({ length: pixelsOf(to) }, (_, i) => {
      const [row, column] = [Math.floor(i / to.width), i % to.width]
      const y = Math.floor(middle.top + ((row + 0.5) * middle.height) / to.height)
      const x = Math.floor(middle.left + ((column + 0.5) * middle.width) / to.width)
      return mask[y * width + x]!
    }),
  }
}

/**
 * A picture as RGBA of another size: scaled to cover it and cropped to its middle, as DATA and `edit` are read, over white. One of this
 * size keeps its bytes, and so does one that was enlarged from this size by a whole number.
 */
export const rgbaOf = (picture: ImageData | ImageBitmap, to: PictureSize): Uint8ClampedArray<ArrayBuffer> => {
  if (picture instanceof ImageData && isSameSize(picture, to)) return new Uint8ClampedArray(picture.data)
  const exact = beforeEnlarging(picture, to)
  if (exact) return exact
  const middle = middleOf(picture, to)
  const [width, height] = [middle.width, middle.height].map((side) => Math.max(1, Math.round(side)))
  const [left, top] = [Math.floor(middle.left), Math.floor(middle.top)]
  // The middle is cut out before it is scaled, so that nothing from beside it bleeds in at its borders.
  const cut = newContext({ height: height!, width: width! })
  if (picture instanceof ImageData) cut.putImageData(picture, -left, -top)
  else cut.drawImage(picture, -left, -top)
  const small = newContext(to)
  small.fillStyle = '#ffffff'
  small.fillRect(0, 0, to.width, to.height)
  small.imageSmoothingQuality = 'high'
  small.drawImage(cut.canvas, 0, 0, to.width, to.height)
  return new Uint8ClampedArray(small.getImageData(0, 0, to.width, to.height).data)
}

/** See `unenlarged`. */
const beforeEnlarging = (
  picture: ImageData | ImageBitmap,
  to: PictureSize,
): Uint8ClampedArray<ArrayBuffer> | undefined => {
  if (enlargement(picture, to) === undefined) return undefined
  const { width, height } = picture
  const { data } = picture instanceof ImageData ? picture : onWhite(picture)
  return unenlarged(new Uint8ClampedArray(data), { width, height, channels: 4 }, to)
}

const onWhite = (picture: ImageBitmap): ImageData => {
  const { width, height } = picture
  const context = newContext(picture)
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, width, height)
  context.drawImage(picture, 0, 0)
  return context.getImageData(0, 0, width, height)
}

const newContext = ({ width, height }: PictureSize): CanvasRenderingContext2D => {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  return canvas.getContext('2d', { willReadFrequently: true })!
}
