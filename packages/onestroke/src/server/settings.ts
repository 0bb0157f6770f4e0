/** What is to be painted: in one run, of one request or of many. */
import type { GenerateOptions, Interpolation } from '@onestroke/core/pipeline'

/** How pictures are to be painted: requests that agree in this can share a run. Small, since it is compared as JSON. */
export type Settings = Pick<
  GenerateOptions,
  'num_inference_steps' | 'guidance_scale' | 'negative_prompt' | 'solver' | 'strength'
> & {
  /** Where pictures are on their way to. */
  readonly to?: Pick<Interpolation, 'prompt' | 'seed'>
}

export interface PaintOrder {
  readonly prompts: readonly string[]
  /** One for each prompt. */
  readonly seeds: readonly number[]
  readonly settings: Settings
  /** With `settings.to`: how far each picture is on its way. */
  readonly weights?: readonly number[]
  /** What is edited: [C, H, W], or one for each prompt. */
  readonly image?: Float32Array
  /** What of it is painted: [H, W], or one for each prompt. */
  readonly mask?: Float32Array
}

/** Orders whose keys are equal can be painted together. */
export const keyOf = ({ settings, image, mask }: PaintOrder): string =>
  JSON.stringify([settings, image !== undefined, mask !== undefined])

/** One order of all; their keys are equal. Pictures and masks are one for each prompt then. */
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

/** An order as several of at most so many pictures each. */
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
