export { type ExportDtype, type ExportQuality, type Manifest, shapeFor } from './manifest.js'
export {
  type DenoiserSource,
  type Generated,
  type GenerateOptions,
  Pipeline,
  type PipelineConfig,
} from './pipeline.js'
export { toByte, toRGBA } from './pixels.js'
