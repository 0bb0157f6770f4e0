/**
 * The address of something that only the build makes (a worker's script, a WebAssembly module), seen from the module
 * that needs it, whether that runs from `dist` or, in tests, from `src`.
 */
export const builtUrl = (importer: string, name: string): URL =>
  new URL(name, importer.replace('/packages/onestroke/src/', '/packages/onestroke/dist/'))
