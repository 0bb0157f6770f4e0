/** Surfaces to draw on: a picture, and the mask over it. Both are larger than the model's pictures, so that hands can. */

export const SIDE = 384

export const newSurface = (fill?: string): CanvasRenderingContext2D => {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = SIDE
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.lineCap = context.lineJoin = 'round'
  if (fill) clear(context, fill)
  return context
}

/** To a colour, or to nothing. */
export const clear = (context: CanvasRenderingContext2D, fill?: string): void => {
  context.clearRect(0, 0, SIDE, SIDE)
  if (!fill) return
  context.fillStyle = fill
  context.fillRect(0, 0, SIDE, SIDE)
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** A stroke's part; a dot where it begins. */
export const stroke = (
  context: CanvasRenderingContext2D,
  from: Point,
  to: Point,
  { colour, size }: { colour: string; size: number },
): void => {
  context.strokeStyle = colour
  context.lineWidth = size
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.lineTo(to.x + 0.01, to.y)
  context.stroke()
}

/** What is drawn, in the model's size. */
export const sample = (context: CanvasRenderingContext2D, resolution: number, fill: string): ImageData => {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = resolution
  const small = canvas.getContext('2d')!
  small.fillStyle = fill
  small.fillRect(0, 0, resolution, resolution)
  small.imageSmoothingQuality = 'high'
  small.drawImage(context.canvas, 0, 0, resolution, resolution)
  return small.getImageData(0, 0, resolution, resolution)
}

/** Puts a picture of any size over the whole surface: scaled to cover it and cropped to its middle, as DATA and `edit` are read. */
export const put = (context: CanvasRenderingContext2D, picture: ImageData | ImageBitmap): void => {
  const { width, height } = picture
  const side = Math.min(width, height)
  const [left, top] = [Math.floor((width - side) / 2), Math.floor((height - side) / 2)]
  // The square is cut out before it is scaled, so that nothing from beside it bleeds in at its borders.
  const square = document.createElement('canvas')
  square.width = square.height = side
  const cut = square.getContext('2d')!
  if (picture instanceof ImageData) cut.putImageData(picture, -left, -top)
  else cut.drawImage(picture, -left, -top)
  clear(context, '#ffffff')
  context.drawImage(square, 0, 0, SIDE, SIDE)
}

/** What can be undone: surfaces as they were, the latest last. */
export class Undo {
  readonly #past: { surface: CanvasRenderingContext2D; image: ImageData }[][] = []

  constructor(readonly most = 20) {}

  get length(): number {
    return this.#past.length
  }
  /** Surfaces that are about to change together. */
  keep(...surfaces: CanvasRenderingContext2D[]): void {
    this.#past.push(surfaces.map((surface) => ({ surface, image: surface.getImageData(0, 0, SIDE, SIDE) })))
    if (this.#past.length > this.most) this.#past.shift()
  }
  /** Brings back what was kept last. */
  back(): void {
    for (const { surface, image } of this.#past.pop() ?? []) surface.putImageData(image, 0, 0)
  }
}
