export { DEFAULT_STRENGTH } from '../consistency/index.js'
export { MOST_SEED, NotFiniteError, seedsFrom } from './checks.js'
export { expectedInputs } from './dense-graph.js'
export { type EditOptions, type Interpolation, strengthOf } from './edit.js'
export { type Example, exampleOf } from './example.js'
export {
  bytesOf,
  type GraphName,
  type Graphs,
  graphEntries,
  graphNamed,
  mapGraphs,
  type OptionalGraph,
  releaseGraphs,
} from './graphs.js'
export {
  type ExportQuality,
  type GraphFile,
  type Manifest,
  parseManifest,
  type StoredManifest,
  storedManifest,
} from './manifest.js'
export { manifestOf } from './manifest-of.js'
export { type GenerateOptions, type PipelineConfig, STEP_SPACINGS, type StepSpacing } from './options.js'
export { type Generated, type GraphSource, Pipeline } from './pipeline.js'
export { enlargement, fromRGBA, maskFromRGBA, shownChannels, toByte, toRGBA, unenlarged } from './pixels.js'
export { type Recipe, readRecipe, recipeOfOne, withRecipe } from './recipe.js'
export { drawSeed, readSeed, SEED_RULE } from './seeds.js'
export { checkPrompt, samplingOf, shapeOf, takesGuidance } from './settings.js'
export { shapeFor } from './shape-for.js'
