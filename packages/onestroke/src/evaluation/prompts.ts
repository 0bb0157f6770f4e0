import type { Dataset } from '../data/index.js'

/** Prompts (or classes) of a dataset, spread evenly over it. */
export const samplePrompts = ({ names, classes, count }: Dataset, n: number): string[] =>
  Array.from({ length: n }, (_, i) => {
    if (names) return names[Math.floor(((i + 0.5) * count) / n)]!
    return classes ? classes[i % classes.length]! : ''
  })
