/** Networks and training settings that are known to work, by name. */
import type { NoiseRange } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import type { NetworkConfig, OptimizerOptions } from '@onestroke/core/nn'
import { type PictureShape, type PictureSize, pixelsOf, sizeOption, sizeText } from '@onestroke/core/picture'
import { conditionerOf, type Vocabulary } from '@onestroke/core/text'

/** The fields of each network type's config that the types do not share. */
type OwnPart<Config> = Config extends NetworkConfig
  ? Omit<Config, 'height' | 'width' | 'channels' | 'patch_size' | 'embedding'>
  : never

export interface Preset {
  readonly about: string
  /** The network's own part, for a grid of tokens or patches. */
  readonly shape: (grid: PictureSize) => OwnPart<NetworkConfig>
  readonly embedding_width: number
  readonly token_width: number
  /** Pictures that it must see before it paints more than noise and blobs, see docs/measured.md; absent if unknown. */
  readonly least_images?: number
}

const level = (width: number, depth: number, heads = Math.ceil(width / 32)) => ({
  width,
  depth,
  heads,
  window: 8,
})

/** Side of a square grid at which pictures are coarse enough for a preset's waist. */
const WAIST_SIDE = 4
/** Most tokens for global attention, as at the waist. */
const MOST_TOGETHER = 256
/** Tokens of the finest level, at most: 64×64. Patches of larger pictures have more pixels. */
const MOST_TOKENS = 4096

/**
 * How often the tokens of a grid are merged, four to one: as often as is wanted or, where that leaves too many, more often; but no
 * more often than the grid can be halved. Undefined if too many are left.
 *
 * @param together levels, from the waist up, in which all tokens look at each other.
 */
const mergesOf = (grid: PictureSize, wanted: number, together = 1): number | undefined => {
  const isWhole = (merges: number) => [grid.height, grid.width].every((side) => side % 2 ** merges === 0)
  const tokens = (merges: number) => pixelsOf(grid) / 4 ** merges
  let merges = wanted
  while (tokens(merges - (together - 1)) > MOST_TOGETHER) merges++
  while (!isWhole(merges)) merges--
  return tokens(merges) > MOST_TOGETHER ? undefined : merges
}

/**
 * Levels for a grid, by the number of its tokens: the last is the coarsest; finer grids get levels before it, and the finest of
 * all stands several times if there are not enough of them. `together`: see `mergesOf`.
 */
const pyramid = <Level>(fine: readonly Level[], waist: Level, grid: PictureSize, together = 1): Level[] => {
  const halvings = Math.max(0, Math.round(Math.log2(Math.sqrt(pixelsOf(grid)) / WAIST_SIDE)))
  const merges = mergesOf(grid, Math.min(fine.length, halvings), together) ?? 0
  const levels = Array.from({ length: merges }, (_, i) => fine[Math.max(0, fine.length - merges + i)]!)
  return [...levels, waist]
}

export const PRESETS: Readonly<Record<string, Preset>> = {
  tiny: {
    about: 'for trying things out: 0.2 to 0.3 million parameters',
    shape: (grid) => ({
      type: 'hourglass',
      levels: pyramid([level(32, 1)], level(64, 2), grid),
      mixing: 'neighbours',
      mlp_ratio: 2,
    }),
    embedding_width: 64,
    token_width: 32,
  },
  small: {
    about: 'converges in minutes at 16×16',
    shape: (grid) => ({
      type: 'hourglass',
      levels: pyramid([level(48, 1, 2), level(96, 1, 3)], level(192, 4, 6), grid),
      mixing: 'neighbours',
      mlp_ratio: 3,
    }),
    embedding_width: 160,
    token_width: 48,
    least_images: 10_000,
  },
  base: {
    about: 'the default: 32×32 in an hour or a few',
    shape: (grid) => ({
      type: 'hourglass',
      levels: pyramid([level(64, 1), level(128, 2)], level(256, 4), grid),
      mixing: 'neighbours',
      mlp_ratio: 3,
    }),
    embedding_width: 256,
    token_width: 64,
    least_images: 20_000,
  },
  unet: {
    about: 'convolutions instead of attention, twice as slow an image as base; for comparison',
    shape: (grid) => ({
      type: 'unet',
      levels: pyramid(
        [
          { width: 48, depth: 1, attention: 0 },
          { width: 96, depth: 2, attention: 3 },
        ],
        { width: 192, depth: 2, attention: 6 },
        grid,
        2,
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

/** A preset that needs fewer pictures than this one before it paints more than blobs: `small` for `base`. */
export const soonerThan = (name: string): string | undefined => {
  const own = presetOf(name).least_images ?? 0
  return Object.keys(PRESETS).find((other) => (PRESETS[other]!.least_images ?? own) < own)
}

const LEAST_SIDE = 8
/** Pictures with a shorter side than this are not divided into patches: each pixel is a token. */
const LEAST_PATCHED = 16

/** Pixels of a patch's side: 2, or as many as leave no more tokens than a network can take; 1 in very small pictures. */
const patchOf = (size: PictureSize): number => {
  let patch = Math.min(size.height, size.width) < LEAST_PATCHED ? 1 : 2
  while (pixelsOf(size) / patch ** 2 > MOST_TOKENS) patch *= 2
  return patch
}

const gridOf = (size: PictureSize): PictureSize => {
  const patch = patchOf(size)
  return { height: size.height / patch, width: size.width / patch }
}

/** Whether the presets' networks take pictures of a size. */
export const isTrainable = (size: PictureSize): boolean =>
  Math.min(size.height, size.width) >= LEAST_SIDE &&
  Object.values(gridOf(size)).every(Number.isInteger) &&
  mergesOf(gridOf(size), 0) !== undefined

/** A size near another one that the presets' networks take, and what its sides are multiples of: 8, or more if it is large. */
const nearest = (size: PictureSize): { readonly unit: number; readonly near: PictureSize } => {
  for (let unit = Math.max(LEAST_SIDE, 4 * patchOf(size)); ; unit *= 2)
    for (const round of [Math.round, Math.floor]) {
      const side = (of: number) => Math.max(unit, unit * round(of / unit))
      const near = { height: side(size.height), width: side(size.width) }
      if (isTrainable(near)) return { unit, near }
    }
}

/** A size near another one that the presets' networks take. */
export const trainableSize = (size: PictureSize): PictureSize => nearest(size).near

/** The noise levels that a new teacher learns, sigma_min to sigma_max: the more pixels agree on what a picture shows, the higher. */
export const noiseRangeFor = (size: PictureSize): Pick<NoiseRange, 'sigma_min' | 'sigma_max'> => ({
  sigma_min: 0.01,
  sigma_max: 2.5 * Math.sqrt(pixelsOf(size)),
})

/**
 * The network of a preset for pictures of a size.
 *
 * @throws UserError if no network takes that size, with the nearest that would do.
 */
export const presetNetwork = (
  name: string,
  { channels, height, width }: PictureShape,
  vocabulary: Vocabulary,
): NetworkConfig => {
  const preset = presetOf(name)
  const size = { height, width }
  if (!isTrainable(size)) {
    const { unit, near } = nearest(size)
    throw new UserError(
      `no network takes pictures of ${sizeText(size)} pixels: multiples of ${unit} will do for both sides`,
      { remedy: `\`resolution\` ${sizeOption(near)}`, option: 'resolution' },
    )
  }
  return {
    ...preset.shape(gridOf(size)),
    channels,
    height,
    width,
    patch_size: patchOf(size),
    embedding: {
      width: preset.embedding_width,
      token_width: preset.token_width,
      condition: conditionerOf(vocabulary).shape,
      guidance_embedding: false,
      jump_embedding: false,
    },
  }
}

/** Settings for distillation, and for networks that measure. */
export const OPTIMIZER_DEFAULTS: OptimizerOptions = {
  optimizer: 'adam',
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weight_decay: 0,
  clip: 1,
}

/** Settings for diffusion models, chosen by `npm run bench -- architecture`. */
export const TEACHER_OPTIMIZER: OptimizerOptions = {
  ...OPTIMIZER_DEFAULTS,
  optimizer: 'muon',
}
