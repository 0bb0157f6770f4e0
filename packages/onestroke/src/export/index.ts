export { type Exported, type ExportOptions, exportModel } from './export.js'
export { type ExportedFolder, exportFolder } from './folder.js'
export { loadExport, MANIFEST_FILE, type OpenedConfig, openPipeline, readManifest } from './load.js'
export { TARGETS, type Target } from './targets.js'
