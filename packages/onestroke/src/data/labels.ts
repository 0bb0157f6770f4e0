import { byCodeUnit } from './dataset.js'
import type { Label } from './facts.js'

/**
 * The classes that labels name, and for every label the index of its class. Integers are classes from the lowest (at
 * most 1) to the highest, named '0', '1', …; if any label is a text, all are.
 *
 * @param classes all of them, if they are known.
 */
export const classesOf = (
  found: readonly Label[],
  classes = namesOf(found),
): { classes: string[]; labels: Int32Array } => {
  const index = new Map(classes.map((name, i) => [name, i]))
  return { classes, labels: Int32Array.from(found, (label) => index.get(String(label))!) }
}

const namesOf = (found: readonly Label[]): string[] => {
  const numbers = found.filter((label) => typeof label === 'number')
  return numbers.length === found.length
    ? numbersOf(numbers)
    : [...new Set(found.map(String))].sort(byCodeUnit)
}

/** Names of the classes of integers: some data counts from 1, and has no class 0 that could be asked for. */
export const numbersOf = (labels: Iterable<number>): string[] => {
  let [lowest, highest] = [1, 0]
  for (const label of labels) {
    lowest = Math.min(lowest, label)
    highest = Math.max(highest, label)
  }
  return Array.from({ length: highest - lowest + 1 }, (_, i) => `${lowest + i}`)
}
