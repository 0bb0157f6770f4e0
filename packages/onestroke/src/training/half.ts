/**
 * Students with half of their teacher's blocks. They begin as their teacher without the others, and so close to what they
 * have to become, where those of a smaller preset begin from nothing.
 */
import { UserError } from '@onestroke/core/errors'
import { type Half, halfNetwork, NETWORKS, type NetworkConfig } from '@onestroke/core/nn'

/** What stands in a preset's place. */
export const HALF = 'half'

/** @throws UserError for networks of which no half is known. */
export const halved = (network: NetworkConfig): Half<NetworkConfig> => {
  const half = halfNetwork(network)
  if (half) return half
  const kinds = Object.entries(NETWORKS)
    .filter(([, kind]) => kind.half)
    .map(([type]) => type)
  throw new UserError(
    `half of the blocks can be left out of a network of type ${kinds.join(', ')}, not of type ${network.type}`,
    {
      option: 'student',
      remedy: 'choose a preset for the student',
    },
  )
}
