export type { Codec } from './codec.js'
export { codecOf, pictureOf } from './codecs.js'
export { PIXELS } from './pixels.js'
export { type Space, spaceSchema } from './space.js'
