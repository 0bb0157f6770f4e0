export { DEFAULT_STRENGTH } from '../consistency/index.js'
export { MOST_SEED, NotFiniteError, seedsFrom } from './checks.js'
export { expectedInputs, exportedExecutable } from './dense-graph.js'
export { type EditOptions, type Interpolation, strengthOf } from './edit.js'
export { type Example, exampleOf } from './example.js'
export { type ExportQuality, type Manifest, parseManifest } from './manifest.js'
export {
  type DenoiserSource,
  type Generated,
  type GenerateOptions,
  Pipeline,
  type PipelineConfig,
  STEP_SPACINGS,
  type StepSpacing,
} from './pipeline.js'
export { enlargement, fromRGBA, maskFromRGBA, shownChannels, toByte, toRGBA, unenlarged } from './pixels.js'
export { type Recipe, readRecipe, withRecipe } from './recipe.js'
export { drawSeed, readSeed, SEED_RULE } from './seeds.js'
export { checkPrompt, samplingOf, shapeOf, takesGuidance } from './settings.js'
export { shapeFor } from './shape-for.js'
