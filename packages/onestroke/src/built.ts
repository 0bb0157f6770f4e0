/**
 * The address of something that only the build makes (a worker's script, a WebAssembly module), seen from the module
 * that needs it, whether that runs from `dist` or, in tests, from `src`.
 *
 * @throws Error in tests if the build is older than its sources, which `ONESTROKE_STALE_BUILD` then says.
 */
export const builtUrl = (importer: string, name: string): URL => {
  const built = importer.replace('/packages/onestroke/src/', '/packages/onestroke/dist/')
  const { ONESTROKE_STALE_BUILD: stale } = process.env
  if (stale && built !== importer) throw new Error(stale)
  return new URL(name, built)
}
