/** Converts masks of other programs to ours, in which the holes are painted or, in a mask without holes, what is white. */
import { type PictureSize, scaledBy } from '@onestroke/core/picture'
import type { Sharp } from 'sharp'
import { PICTURES } from './schemas.js'

/** Whether anything in a picture is transparent. False for what cannot be read: it is refused in words where all pictures are read. */
export const hasHoles = async (picture: Uint8Array): Promise<boolean> => {
  try {
    return !(await (await opened(picture)).stats()).isOpaque
  } catch {
    return false
  }
}

/** How AUTOMATIC1111's web UI is told what a mask means. */
export interface MaskMeaning {
  /** Paints what the mask leaves out. */
  readonly invert: boolean
  /** Standard deviation of the blur of its edges, in pixels of the picture that is asked for. */
  readonly blur: number
  /** Size of that picture. */
  readonly size: PictureSize
}

/** Largest side, in pixels, at which the blur is computed: enough for every model's size. */
const MOST_SIDE = 1024
/** Weaker blur than this changes nothing; sharp takes none. */
const LEAST_BLUR = 0.3

/**
 * A mask of AUTOMATIC1111's web UI, which paints what is opaque of a mask with transparent parts, and else what is white. What cannot
 * be read is returned as it is, and refused in words where all pictures are read.
 */
export const maskOf = async (mask: Uint8Array, { invert, blur, size }: MaskMeaning): Promise<Uint8Array> => {
  try {
    const picture = (await opened(mask)).autoOrient()
    const holes = await hasHoles(mask)
    if (!holes && !invert && blur === 0) return mask
    const grey = holes ? picture.extractChannel('alpha') : picture.removeAlpha()
    grey.toColourspace('b-w')
    if (invert) grey.negate({ alpha: false })
    const painted = await grey.png().toBuffer()
    return blur === 0 ? painted : await blurred(painted, blur, size)
  } catch {
    return mask
  }
}

const blurred = async (mask: Uint8Array, blur: number, size: PictureSize): Promise<Uint8Array> => {
  const scale = Math.min(1, MOST_SIDE / Math.max(size.height, size.width))
  const sigma = blur * scale
  if (sigma < LEAST_BLUR) return mask
  const { width, height } = scaledBy(size, scale)
  const sized = (await opened(mask)).resize(width, height, { fit: 'cover', position: 'centre' })
  return sized.blur(sigma).png().toBuffer()
}

/** @throws Error if it is too large, or of no format that is taken. */
const opened = async (picture: Uint8Array): Promise<Sharp> => {
  const { default: sharp } = await import('sharp')
  const one = sharp(picture, { limitInputPixels: PICTURES.megapixels * 1e6 })
  const { format } = await one.metadata()
  if (!PICTURES.formats.some((taken) => taken === format)) throw new Error(`${format} is not taken`)
  return one
}
