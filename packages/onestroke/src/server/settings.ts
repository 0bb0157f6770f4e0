/** What is to be painted: in one run, of one request or of many. */
import type { GenerateOptions, Interpolation } from '@onestroke/core/pipeline'

/** How pictures are painted: requests with equal settings can share a run. Kept small, because it is compared as JSON. */
export type Settings = Pick<
  GenerateOptions,
  'num_inference_steps' | 'guidance_scale' | 'negative_prompt' | 'solver' | 'strength'
> & {
  /** The other end of an interpolation. */
  readonly to?: Pick<Interpolation, 'prompt' | 'seed'>
}

export interface PaintOrder {
  readonly prompts: readonly string[]
  /** One for each prompt. */
  readonly seeds: readonly number[]
  readonly settings: Settings
  /** Only with `settings.to`: each picture's share of the way to it, in [0, 1]. */
  readonly weights?: readonly number[]
  /** What is edited: [C, H, W], or one for each prompt. */
  readonly image?: Float32Array
  /** What of it is painted: [H, W], or one for each prompt. */
  readonly mask?: Float32Array
}

/** Orders whose keys are equal can be painted together. */
export const keyOf = ({ settings, image, mask }: PaintOrder): string =>
  JSON.stringify([settings, image !== undefined, mask !== undefined])

/** One order made of several with equal keys, with an image and a mask for each prompt. */
export const together = (orders: readonly [PaintOrder, ...PaintOrder[]]): PaintOrder => {
  const [{ settings, image, mask, weights }] = orders
  return {
    settings,
    prompts: orders.flatMap(({ prompts }) => prompts),
    seeds: orders.flatMap(({ seeds }) => seeds),
    weights: weights && orders.flatMap((order) => order.weights!),
    image: image && forEachPrompt(orders, 'image'),
    mask: mask && forEachPrompt(orders, 'mask'),
  }
}

const forEachPrompt = (orders: readonly PaintOrder[], what: 'image' | 'mask'): Float32Array => {
  const rows = orders.flatMap((order) => order.prompts.map(() => order[what]!))
  const size = rows[0]!.length
  const out = new Float32Array(rows.length * size)
  for (const [i, row] of rows.entries()) out.set(row, i * size)
  return out
}

/** Splits an order into several of at most `most` pictures each. */
export const slicesOf = (order: PaintOrder, most: number): PaintOrder[] => {
  const { prompts, seeds, weights, ...same } = order
  return Array.from({ length: Math.ceil(prompts.length / most) }, (_, i) => {
    const slice = <T>(all: readonly T[]) => all.slice(i * most, (i + 1) * most)
    return {
      ...same,
      prompts: slice(prompts),
      seeds: slice(seeds),
      weights: weights && slice(weights),
    }
  })
}
