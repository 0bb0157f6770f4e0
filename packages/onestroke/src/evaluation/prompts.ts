import type { Dataset } from '../data/index.js'

/** Prompts (or classes) of a dataset, spread evenly over it. */
export const samplePrompts = ({ names, classes, count }: Dataset, n: number): string[] =>
  Array.from({ length: n }, (_, i) => {
    if (names) return names[Math.floor(((i + 0.5) * count) / n)]!
    return classes ? classes[i % classes.length]! : ''
  })

/**
 * Pictures by which one student or setting is preferred to another: every picture's prompt once, within limits. With fewer
 * prompts than pictures the distance to the data would prefer a blur, which is nearer to the pictures left out.
 */
export const samplesToChoose = ({ count }: Dataset): number => Math.min(Math.max(count, 512), 2048)
