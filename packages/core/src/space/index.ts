export type { Codec, CodecMaker, Codecs } from './codec.js'
export { CODECS, codecOf, pictureOf } from './codecs.js'
export { PIXELS } from './pixels.js'
export { type Space, spaceSchema } from './space.js'
