/** Text files as people have them: their encoding, and how long a caption may be. */
import { UserError } from '@onestroke/core/errors'
import { systemReason } from '../formats/index.js'
import type { Remarks } from './remarks.js'

/** Larger files hold no caption of one picture. */
export const MAX_TEXT_BYTES = 2 ** 20
/** Longer captions are cut: models read a few words of them. */
const MAX_CAPTION = 4096

/**
 * A text file's text: UTF-8, UTF-16 with a byte order mark, or else Windows-1252, as older Windows programs write it.
 * Undefined if it is no text.
 */
export const textOf = (bytes: Uint8Array, file: string, remarks: Remarks): string | undefined => {
  const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    if (encoding === 'utf-8' && !bytes.some(isControl)) {
      remarks.add('windows1252', file)
      return fromWindows1252(bytes)
    }
    remarks.add('noText', file)
    return undefined
  }
}

/** Windows-1252 from 0x80 to 0x9f; all else is as in Latin-1. Node 20 takes it for Latin-1 altogether. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

const fromWindows1252 = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (sign) => WINDOWS_1252[sign.charCodeAt(0) - 0x80]!)

/** Bytes that no text holds. Tabs, line ends, and the end-of-file mark of DOS are none. */
const isControl = (byte: number): boolean => byte < 9 || (byte > 13 && byte < 32 && byte !== 26)

/** One line of text, without surplus space, of bounded length. */
export const tidyCaption = (text: string, file: string, remarks: Remarks): string => {
  const caption = text.replace(/[\s\ufeff]+/g, ' ').trim()
  if (caption.length <= MAX_CAPTION) return caption
  remarks.add('longCaption', file)
  // A pair of surrogates is one letter.
  return caption
    .slice(0, MAX_CAPTION)
    .replace(/[\ud800-\udbff]$/, '')
    .trim()
}

/** The JSON document, or undefined if it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws UserError that names the file. */
export const cannotRead = (path: string, cause: NodeJS.ErrnoException): UserError =>
  new UserError(`cannot read ${path}: ${systemReason(cause) ?? cause.code ?? cause.message}`, { cause })
