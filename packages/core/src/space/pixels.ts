/** Points are the pictures themselves. */
import type { CodecMaker } from './codec.js'
import type { Space } from './space.js'

/** What models without a word of their space work in. */
export const PIXELS = { kind: 'pixels' } as const satisfies Space

/** About the deviation of photographs' values in [-1, 1] (Karras et al. 2022). */
const SIGMA_DATA = 0.5

export const pixels: CodecMaker<Extract<Space, { kind: 'pixels' }>> = {
  autoencoder: () => undefined,
  pictureOf: (_, shape) => shape,
  points: (_, picture) => ({ shape: picture, sigma_data: SIGMA_DATA }),
  codec: (space, picture) => ({
    ...pixels.points(space, picture),
    picture,
    exact: true,
    encode: async (pictures) => pictures,
    decode: async (points) => points,
    preview: (points) => points,
  }),
}
