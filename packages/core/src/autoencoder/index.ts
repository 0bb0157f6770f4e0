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
export { previewOf } from './preview.js'
export { decodeProgram, encodeProgram, HALVES, type Half, halfProgram } from './program.js'
export { reconstructionError } from './reconstruction.js'
