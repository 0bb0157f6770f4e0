export { bytesOf, manifestOf, readSeed, SEED_RULE, shapeOf, takesGuidance } from '../pipeline/index.js'
export { conditionerOf } from '../text/index.js'
export { defineElement, OneStrokeElement } from './element.js'
export type { Device } from './messages.js'
export {
  type BatchOptions,
  type LoadOptions,
  load,
  type Preview,
  type WebGenerateOptions,
  WebModel,
} from './model.js'
