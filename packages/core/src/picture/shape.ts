/** How large pictures are: in memory, in words, and where they are cut to fit. */

/** Sides in pixels. */
export interface PictureSize {
  readonly height: number
  readonly width: number
}

/** What one picture looks like in memory: [channels, height, width]. */
export interface PictureShape extends PictureSize {
  /** 1 is grey and 3 is colour; other numbers are points of another space, which no page or file shows. */
  readonly channels: number
}

/** The numbers of one picture: channels · height · width. */
export const sizeOf = ({ channels, height, width }: PictureShape): number => channels * height * width

/** The pixels of one picture: height · width. */
export const pixelsOf = ({ height, width }: PictureSize): number => height * width

export const square = (side: number): PictureSize => ({ height: side, width: side })

export const isSameSize = (a: PictureSize, b: PictureSize): boolean =>
  a.height === b.height && a.width === b.width

/** A size of the same proportions: sides are rounded, and at least 1. */
export const scaledBy = ({ height, width }: PictureSize, factor: number): PictureSize => ({
  height: Math.max(1, Math.round(height * factor)),
  width: Math.max(1, Math.round(width * factor)),
})

/** For people: `640×480`, width before height. */
export const sizeText = ({ height, width }: PictureSize): string => `${width}×${height}`

/** Writes a size as an option: `32` for a square, else `384x256`, width before height. `readSize` reads it. */
export const sizeOption = ({ height, width }: PictureSize): string =>
  height === width ? `${width}` : `${width}x${height}`

/**
 * A size as people write it: `32` is 32×32, and `384x256` is 384 wide and 256 high.
 *
 * @returns undefined if it is none.
 */
export const readSize = (text: string): PictureSize | undefined => {
  const [, width, , height = width] = /^([1-9]\d{0,5})([x×]([1-9]\d{0,5}))?$/i.exec(text.trim()) ?? []
  return width === undefined ? undefined : { height: Number(height), width: Number(width) }
}

/**
 * The largest part of a picture, in its middle, that has the proportions of another size: what is left of the picture when it is
 * scaled to cover that size, and cropped. Sides and places may lie between pixels.
 */
export const middleOf = (
  { height, width }: PictureSize,
  to: PictureSize,
): PictureSize & { readonly top: number; readonly left: number } => {
  const isWide = width * to.height >= height * to.width
  const part = isWide
    ? { height, width: (height * to.width) / to.height }
    : { height: (width * to.height) / to.width, width }
  return { ...part, top: (height - part.height) / 2, left: (width - part.width) / 2 }
}
