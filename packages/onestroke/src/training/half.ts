/**
 * Students with half of their teacher's blocks: as wide, and half as deep. They begin as their teacher without every second
 * block (Sanh et al. 2019, section 3, for language; Kim et al. 2023, section 3.1, for diffusion), and so close to what they
 * have to become, where those of a smaller preset begin from nothing.
 */
import { UserError } from '@onestroke/core/errors'
import type { HourglassConfig, NetworkConfig } from '@onestroke/core/nn'

/** What stands in a preset's place. */
export const HALF = 'half'

/** @throws UserError for networks that are no hourglass. */
export const halved = (network: NetworkConfig): HourglassConfig => {
  if (network.type !== 'hourglass')
    throw new UserError(`half of the blocks can be left out of an hourglass, not of a ${network.type}`, {
      option: 'student',
      remedy: 'choose a preset for the student',
    })
  const levels = network.levels.map((level) => ({ ...level, depth: Math.ceil(level.depth / 2) }))
  return { ...network, levels }
}

/** Which of the teacher's parameters one of a halved network begins as: those of block i are those of block 2i. */
export const beginsAs = (name: string): string =>
  name.replace(/^(levels\.\d+\.(?:down|up))\.(\d+)\./, (_, side, block) => `${side}.${2 * Number(block)}.`)
