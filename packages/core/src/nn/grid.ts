import { type PictureSize, sizeText } from '../picture/index.js'

/** @throws RangeError unless pictures divide into patches, and the grid of these into the squares of four that are merged. */
export const checkGrid = ({
  height,
  width,
  patch_size,
  levels,
}: PictureSize & { readonly patch_size: number; readonly levels: readonly unknown[] }): void => {
  const unit = patch_size * 2 ** (levels.length - 1)
  if (height % unit !== 0 || width % unit !== 0)
    throw new RangeError(
      `pictures of ${sizeText({ height, width })} do not divide into patches of ${patch_size}×${patch_size} that are merged ${levels.length - 1} times: both sides must be multiples of ${unit}`,
    )
}
