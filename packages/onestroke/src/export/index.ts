export { type Exported, type ExportOptions, exportModel, STORAGE } from './export.js'
export { loadExport, MANIFEST_FILE, openPipeline, readManifest } from './load.js'
