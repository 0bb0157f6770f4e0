export type { EditOptions, Interpolation } from './edit.js'
export { type ExportDtype, type ExportQuality, type Manifest, shapeFor } from './manifest.js'
export {
  type DenoiserSource,
  type Generated,
  type GenerateOptions,
  Pipeline,
  type PipelineConfig,
} from './pipeline.js'
export { fromRGBA, maskFromRGBA, toByte, toRGBA } from './pixels.js'
