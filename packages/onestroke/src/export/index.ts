export { type ExportOptions, exportModel, GRAPH_FILE, MANIFEST_FILE, STORAGE } from './export.js'
export { loadExport } from './load.js'
