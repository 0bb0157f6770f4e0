import type { PictureShape } from '../picture/index.js'
import type { Codec, CodecMaker, Codecs } from './codec.js'
import { pixels } from './pixels.js'
import type { Space } from './space.js'

export const CODECS: Codecs<Space> = { pixels }

const makerOf = <S extends Space>({ kind }: S): CodecMaker<S> => CODECS[kind] as CodecMaker<S>

/** The codec of pictures of a shape. */
export const codecOf = (space: Space, picture: PictureShape): Codec => makerOf(space).codec(space, picture)

/** What the pictures look like whose points have such a shape. */
export const pictureOf = (space: Space, shape: PictureShape): PictureShape =>
  makerOf(space).pictureOf(space, shape)
