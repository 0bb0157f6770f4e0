/** Networks and training settings that are known to work, by name. */
import { UserError } from '@onestroke/core/errors'
import type { NetworkConfig, OptimizerOptions } from '@onestroke/core/nn'
import { conditionerOf, type Vocabulary } from '@onestroke/core/text'

/** What a config of each type has beside what all of them have. */
type OwnPart<Config> = Config extends NetworkConfig
  ? Omit<Config, 'resolution' | 'channels' | 'patch_size' | 'embedding'>
  : never

export interface Preset {
  readonly about: string
  /** The network's own part, for a grid of `side` × `side` tokens or patches. */
  readonly shape: (side: number) => OwnPart<NetworkConfig>
  readonly embedding_width: number
  readonly token_width: number
  /** Pictures that it must see before it paints more than noise and blobs, see docs/measured.md; absent where that is not known. */
  readonly least_images?: number
}

const level = (width: number, depth: number, heads = Math.ceil(width / 32)) => ({
  width,
  depth,
  heads,
  window: 8,
})

/** Levels for a grid: the last is the coarsest, `waistSide` a side; finer grids get levels before it. */
const pyramid = <Level>(fine: readonly Level[], waist: Level, waistSide: number, side: number): Level[] => {
  const count = Math.max(0, Math.round(Math.log2(side / waistSide)))
  return [...fine.slice(Math.max(0, fine.length - count)), waist]
}

export const PRESETS: Readonly<Record<string, Preset>> = {
  tiny: {
    about: 'for trying things out: 0.2 to 0.3 million parameters',
    shape: (side) => ({
      type: 'hourglass',
      levels: pyramid([level(32, 1)], level(64, 2), 4, side),
      mixing: 'neighbours',
      mlp_ratio: 2,
    }),
    embedding_width: 64,
    token_width: 32,
  },
  small: {
    about: 'converges in minutes at 16×16',
    shape: (side) => ({
      type: 'hourglass',
      levels: pyramid([level(48, 1, 2), level(96, 1, 3)], level(192, 4, 6), 4, side),
      mixing: 'neighbours',
      mlp_ratio: 3,
    }),
    embedding_width: 160,
    token_width: 48,
    least_images: 10_000,
  },
  base: {
    about: 'the default: 32×32 in an hour or a few',
    shape: (side) => ({
      type: 'hourglass',
      levels: pyramid([level(64, 1), level(128, 2)], level(256, 4), 4, side),
      mixing: 'neighbours',
      mlp_ratio: 3,
    }),
    embedding_width: 256,
    token_width: 64,
    least_images: 20_000,
  },
  unet: {
    about: 'convolutions instead of attention, twice as slow an image as base; for comparison',
    shape: (side) => ({
      type: 'unet',
      levels: pyramid(
        [
          { width: 48, depth: 1, attention: 0 },
          { width: 96, depth: 2, attention: 3 },
        ],
        { width: 192, depth: 2, attention: 6 },
        4,
        side,
      ),
      groups: 8,
    }),
    embedding_width: 256,
    token_width: 64,
    least_images: 20_000,
  },
}

export const presetOf = (name: string): Preset => {
  const preset = PRESETS[name]
  if (!preset)
    throw new UserError(`unknown preset ${name}; there are ${Object.keys(PRESETS).join(', ')}`, {
      option: 'preset',
    })
  return preset
}

/** A preset that paints more than blobs after fewer pictures than this one: for `base`, `small`. */
export const soonerThan = (name: string): string | undefined => {
  const own = presetOf(name).least_images ?? 0
  return Object.keys(PRESETS).find((other) => (PRESETS[other]!.least_images ?? own) < own)
}

/** Whether the networks take pictures of this side: a power of two from 8 up. */
export const isTrainable = (side: number): boolean => side >= 8 && Number.isInteger(Math.log2(side))

/**
 * The network of a preset for pictures of a size.
 *
 * @throws UserError if the resolution is not a power of two from 8 up.
 */
export const presetNetwork = (
  name: string,
  { resolution, channels }: { resolution: number; channels: number },
  vocabulary: Vocabulary,
): NetworkConfig => {
  const preset = presetOf(name)
  if (!isTrainable(resolution))
    throw new UserError(
      `the networks need a resolution that is a power of two, 8 or more, not ${resolution}`,
      {
        remedy: `\`resolution\` ${2 ** Math.max(3, Math.round(Math.log2(resolution)))}`,
        option: 'resolution',
      },
    )
  const patch_size = resolution >= 128 ? resolution / 32 : resolution >= 16 ? 2 : 1
  return {
    ...preset.shape(resolution / patch_size),
    resolution,
    channels,
    patch_size,
    embedding: {
      width: preset.embedding_width,
      token_width: preset.token_width,
      condition: conditionerOf(vocabulary).shape,
      guidance_embedding: false,
      jump_embedding: false,
    },
  }
}

/** What methods that distil, and networks for measuring, are trained with. */
export const OPTIMIZER_DEFAULTS: OptimizerOptions = {
  optimizer: 'adam',
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weight_decay: 0,
  clip: 1,
}

/** What diffusion models are trained with: `npm run bench -- architecture`. */
export const TEACHER_OPTIMIZER: OptimizerOptions = {
  ...OPTIMIZER_DEFAULTS,
  optimizer: 'muon',
}
