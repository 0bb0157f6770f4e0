export {
  type LoadedModel,
  layoutOf,
  loadModel,
  readConfig,
  SAVED_STORAGES,
  type SavedStorage,
  saveModel,
  sha256Of,
} from './folder.js'
export { makeFolder } from './make-folder.js'
export { Model, OpenModels } from './model.js'
