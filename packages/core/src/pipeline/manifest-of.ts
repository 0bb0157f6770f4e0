import { fromStored } from '../nn/index.js'
import { PIXELS } from '../space/index.js'
import type { Manifest, StoredManifest } from './manifest.js'

/**
 * A manifest in memory, of what its file holds. It is not checked, as `parseManifest` does: that would be most of what a page
 * loads.
 */
export const manifestOf = (stored: StoredManifest): Manifest => {
  const { graph, graphs, network, space = PIXELS, ...rest } = stored
  return {
    ...rest,
    network: fromStored(network),
    space,
    graphs: graph ? { denoiser: graph } : graphs,
  } as Manifest
}
