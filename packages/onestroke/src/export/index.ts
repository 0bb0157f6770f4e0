export { type Exported, type ExportOptions, exportModel, STORAGE } from './export.js'
export { loadExport, MANIFEST_FILE, openPipeline } from './load.js'
