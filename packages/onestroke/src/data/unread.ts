/** Files that are no pictures, as far as their names tell. */
import { basename, extname } from 'node:path'

/** Pictures, but in formats that are not read: a phone's or a camera's folder may hold little else. */
const UNREAD = new Set(
  'bmp heic heif jxl jp2 ppm pgm pbm pnm ico tga dds exr hdr psd dng cr2 cr3 nef arw raf orf rw2 eps'.split(
    ' ',
  ),
)

/** What lies beside pictures in many folders, and says nothing of them. */
const DOCUMENT =
  /^(readme|licen[cs]e|copying|notice|authors|credits|changelog|requirements|makefile|desktop|thumbs)\b/i

const endingOf = (file: string): string => extname(file).slice(1).toLowerCase()

export const isDocument = (file: string): boolean => DOCUMENT.test(basename(file))

/** Why the file is not read, if it seems to be a picture. */
export const whyUnread = (file: string): string | undefined => {
  const ending = endingOf(file)
  if (ending === '') return isDocument(file) ? undefined : 'its name has no ending, as .png or .jpg'
  return UNREAD.has(ending) ? `${ending} is not read: convert it to PNG or JPEG` : undefined
}
