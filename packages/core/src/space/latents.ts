/** Points are the latents of an autoencoder, with mean 0 and one deviation in each channel (Rombach et al. 2022). */
import { LATENT_SIGMA_DATA, latentShape, pictureShape, previewOf } from '../autoencoder/index.js'
import { sizeOf } from '../picture/index.js'
import type { CodecMaker } from './codec.js'
import type { Space } from './space.js'

export type Latents = Extract<Space, { kind: 'latents' }>

export const latents: CodecMaker<Latents> = {
  autoencoder: ({ autoencoder }) => autoencoder,
  pictureOf: ({ autoencoder }, shape) => pictureShape(autoencoder, shape),
  points({ autoencoder }, picture) {
    const { channels } = autoencoder
    if (picture.channels !== channels)
      throw new RangeError(
        `this autoencoder takes pictures of ${channels} channels, not of ${picture.channels}`,
      )
    return { shape: latentShape(autoencoder, picture), sigma_data: LATENT_SIGMA_DATA }
  },
  codec(space, picture, run) {
    const points = latents.points(space, picture)
    const [outside, inside] = [sizeOf(picture), sizeOf(points.shape)]
    return {
      ...points,
      picture,
      exact: false,
      encode: (pictures) => inBatches(pictures, outside, inside, (some, n) => run('encoder', some, n)),
      decode: (values) => inBatches(values, inside, outside, (some, n) => run('decoder', some, n)),
      preview: (values) => previewOf(space.autoencoder, values, picture),
    }
  },
}

/** Numbers of pictures that go through an autoencoder together, at most: 16 pictures of 256×256. */
const MOST_TOGETHER = 16 * 3 * 256 ** 2

/**
 * What comes of many pictures or points, a few at a time, which bounds the memory that it takes.
 *
 * @param all [count, …]
 * @param from numbers of one that goes in.
 * @param to numbers of one that comes out.
 */
const inBatches = async (
  all: Float32Array,
  from: number,
  to: number,
  work: (some: Float32Array, batch: number) => Promise<Float32Array>,
): Promise<Float32Array> => {
  const count = all.length / from
  const most = Math.max(1, Math.floor(MOST_TOGETHER / Math.max(from, to)))
  const out = new Float32Array(count * to)
  for (let first = 0; first < count; first += most) {
    const batch = Math.min(most, count - first)
    out.set(await work(all.subarray(first * from, (first + batch) * from), batch), first * to)
  }
  return out
}
