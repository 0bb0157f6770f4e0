/** What the tests of this folder share: real files in a temporary folder. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { UserError } from '@onestroke/core/errors'
import { packTar } from 'modern-tar'
import sharp, { type Sharp } from 'sharp'
import { onTestFinished } from 'vitest'

/** A folder with these files, until the test is over. */
export const folderOf = async (files: Record<string, Uint8Array | string>): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'onestroke-data-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, file)), { recursive: true })
    await writeFile(join(directory, file), content)
  }
  return directory
}

/** Whether there are named pipes, which other processes fill: whoever reads one that nobody fills waits for ever. */
export const hasPipes = process.platform !== 'win32'
/** Makes a named pipe that nobody fills. Returns its path. */
export const emptyPipe = (directory: string, name: string): string => {
  const path = join(directory, name)
  execFileSync('mkfifo', [path])
  return path
}

export type Colour = { r: number; g: number; b: number; alpha?: number }
export const RED: Colour = { r: 255, g: 0, b: 0 }
export const BLUE: Colour = { r: 0, g: 0, b: 255 }

/** One colour, as large as asked for. */
export const filled = (colour: Colour, width: number, height = width): Sharp =>
  sharp({ create: { width, height, channels: colour.alpha === undefined ? 3 : 4, background: colour } })

/** A PNG of one colour. */
export const png = (colour: Colour, width: number, height = width): Promise<Buffer> =>
  filled(colour, width, height).png().toBuffer()

/** A small PNG that claims to have so many pixels a side. */
export const claiming = async (side: number): Promise<Buffer> => {
  const bytes = await png(RED, 8)
  bytes.writeUInt32BE(side, 16)
  bytes.writeUInt32BE(side, 20)
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
  return bytes
}

/** A grey PNG of one value. */
export const greyPng = (value: number, width: number): Promise<Buffer> =>
  sharp(Buffer.alloc(width * width, value), { raw: { width, height: width, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer()

/** PNG of pixels that compress badly, so that half of the file is not all of the picture. */
export const noise = (width: number): Sharp => {
  let state = 1
  const bytes = Uint8Array.from({ length: width * width * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
  return sharp(bytes, { raw: { width, height: width, channels: 3 } })
}

/** The `UserError` that a promise is rejected with. */
export const complaint = async (promise: Promise<unknown>): Promise<UserError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof UserError) return error
  throw error ?? new Error('expected a UserError, but all went well')
}

/** The pixel of picture `index` at (x, y), all channels. */
export const pixelAt = (
  {
    pixels,
    channels,
    height,
    width,
  }: { pixels: Uint8Array; channels: number; height: number; width: number },
  index: number,
  x = 0,
  y = 0,
): number[] =>
  Array.from({ length: channels }, (_, c) => pixels[((index * channels + c) * height + y) * width + x]!)

/** A drawing that never ends: one filter of noise upon noise. */
export const ENDLESS = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"><filter id="f"><feTurbulence baseFrequency=".05" numOctaves="200"/></filter><rect width="9000" height="9000" filter="url(#f)"/></svg>',
)

/** A tar archive of members by name. */
export const pack = (members: Record<string, Uint8Array | string>): Promise<Uint8Array> =>
  packTar(
    Object.entries(members).map(([name, content]) => {
      const body = typeof content === 'string' ? new TextEncoder().encode(content) : content
      return { header: { name, size: body.length, type: 'file' as const }, body }
    }),
  )

/** A spec of an archive of such members, in a file. */
export const tarOf = async (members: Record<string, Uint8Array | string>): Promise<string> =>
  `tar:${join(await folderOf({ 'x.tar': await pack(members) }), 'x.tar')}`
