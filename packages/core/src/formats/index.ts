export {
  type AutoencoderFile,
  checkAutoencoder,
  isAutoencoder,
  parseAutoencoderFile,
} from './autoencoder-config.js'
export {
  checkedConfig,
  type ModelConfig,
  modelConfigSchema,
  parseModelConfig,
  storedConfig,
  storedSpace,
  withStoredNetwork,
} from './config.js'
export { readPngText, withPngText } from './png-text.js'
export {
  parseSafetensors,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsSource,
  type SafetensorsTensor,
  serializeSafetensors,
  toFloat32,
} from './safetensors.js'
