export {
  checkedConfig,
  type ModelConfig,
  modelConfigSchema,
  parseModelConfig,
  storedConfig,
} from './config.js'
export { UserError } from './errors.js'
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
