import type { AutoencoderConfig } from '../autoencoder/index.js'
import type { PictureShape } from '../picture/index.js'
import type { Codec, CodecMaker, Codecs, Points, RunHalf } from './codec.js'
import { latents } from './latents.js'
import { pixels } from './pixels.js'
import type { Space } from './space.js'

export const CODECS: Codecs<Space> = { pixels, latents }

const makerOf = <S extends Space>({ kind }: S): CodecMaker<S> => CODECS[kind] as CodecMaker<S>

/** The autoencoder whose halves are graphs of every model in such a space; undefined if there is none. */
export const autoencoderOf = (space: Space): AutoencoderConfig | undefined =>
  makerOf(space).autoencoder(space)

/** What a denoiser sees of pictures of a shape. @throws RangeError if their sides or channels do not fit the space. */
export const pointsOf = (space: Space, picture: PictureShape): Points => makerOf(space).points(space, picture)

/**
 * The codec of pictures of a shape.
 *
 * @param run the halves of the autoencoder of latents.
 * @throws RangeError if their sides or channels do not fit the space.
 */
export const codecOf = (space: Space, picture: PictureShape, run: RunHalf): Codec =>
  makerOf(space).codec(space, picture, run)

/** What the pictures look like whose points have such a shape. */
export const pictureOf = (space: Space, shape: PictureShape): PictureShape =>
  makerOf(space).pictureOf(space, shape)
