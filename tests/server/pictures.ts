/** Pictures that the tests send to the server, and what they look at in those that come back. */
import sharp from 'sharp'

/** A picture’s bytes in rows, three a pixel. */
export const pixelsOf = async (png: ArrayBuffer | Buffer): Promise<number[]> => [
  ...(await sharp(Buffer.from(png as Buffer))
    .removeAlpha()
    .raw()
    .toBuffer()),
]

/** How far two pictures are apart where they differ most. */
export const far = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

/** A red disc on blue, 16×16; its bytes are its pixels. */
export const disc = Buffer.from(
  Array.from({ length: 256 }, (_, i) =>
    Math.hypot((i % 16) - 7.5, Math.floor(i / 16) - 7.5) < 5 ? [220, 30, 40] : [40, 80, 200],
  ).flat(),
)
/** Pixels of 16×16 as a PNG in base64. */
export const pngFrom = async (pixels: Buffer, channels: 1 | 3 = 3): Promise<string> =>
  (
    await sharp(pixels, { raw: { width: 16, height: 16, channels } })
      .png()
      .toBuffer()
  ).toString('base64')
/** The disc as a PNG in base64. */
export const image = await pngFrom(disc)
/** A mask by which the right half is painted. */
export const mask = await pngFrom(
  Buffer.from(Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 0 : 255))),
  1,
)
