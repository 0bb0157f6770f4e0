export {
  AUTOENCODERS,
  autoencoderLayout,
  decode,
  decodedFrom,
  encode,
  factorOf,
  LATENT_SIGMA_DATA,
  latentShape,
  pictureShape,
  rawLatents,
} from './autoencoders.js'
export {
  type AutoencoderConfig,
  autoencoderConfig,
  type ConvolutionalConfig,
  klConfig,
  tinyConfig,
} from './config.js'
export { decodeProgram, encodeProgram } from './program.js'
export { reconstructionError } from './reconstruction.js'
