export {
  CONFIG_FILE,
  type LoadedModel,
  layoutOf,
  loadModel,
  readConfig,
  SAVED_STORAGES,
  type SavedStorage,
  saveModel,
  sha256Of,
  WEIGHTS_FILE,
} from './folder.js'
export { makeFolder } from './make-folder.js'
export { Model, OpenModels } from './model.js'
