/** Which files are taken for pictures: told by their names, without opening them. */
import { extname } from 'node:path'

/** Ends of the names of files that are taken for pictures, in lower case. */
export const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set([
  'png',
  'jpg',
  'jpeg',
  'jfif',
  'webp',
  'gif',
  'avif',
  'tif',
  'tiff',
  'svg',
])

/** Whether a file's name ends as a picture's does. */
export const isPictureName = (file: string): boolean =>
  PICTURE_EXTENSIONS.has(extname(file).slice(1).toLowerCase())
