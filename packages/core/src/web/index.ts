export { sized } from '../picture/index.js'
export { readSeed, SEED_RULE } from '../pipeline/index.js'
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
