export {
  Autoencoder,
  halfWeights,
  type LoadedAutoencoder,
  loadAutoencoder,
  saveAutoencoder,
} from './autoencoder.js'
export {
  autoencoderFolder,
  isDiffusersAutoencoder,
  isOfDiffusers,
  PIPELINE_FILE,
} from './diffusers-autoencoder.js'
export { type LoadedModel, layoutOf, loadModel, readConfig, saveModel } from './folder.js'
export { makeFolder } from './make-folder.js'
export { Model, OpenModels } from './model.js'
export { readConfigFile, sha256Of } from './read.js'
export { SAVED_STORAGES, type SavedStorage } from './weights.js'
