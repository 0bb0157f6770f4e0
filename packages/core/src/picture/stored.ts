/** How files hold a picture's size, as they always have: in one key, `resolution`. */
import type { PictureSize } from './shape.js'

/** The side of a square, or height and width. */
export type StoredSize = number | [height: number, width: number]

export const storedSize = ({ height, width }: PictureSize): StoredSize =>
  height === width ? height : [height, width]

/** What a file holds, with height and width in place of its `resolution`. */
export const sized = <Stored extends { readonly resolution: StoredSize }>({
  resolution,
  ...others
}: Stored): Omit<Stored, 'resolution'> & PictureSize => {
  const [height, width] = typeof resolution === 'number' ? [resolution, resolution] : resolution
  return { ...others, height, width }
}
