import type { Features } from './features.js'

/** Pictures of one prompt that are compared, at most, spread evenly over them. */
const MOST = 128

/**
 * How varied the pictures of one prompt are: RMS difference of two of them, as the mean over all pairs, and then over
 * the prompts. pictures [n, pixels]; `prompts[i]` is that of picture i.
 *
 * With `replacement`, two pictures are drawn independently, so that one may be drawn twice: what a sampler reaches that
 * draws training pictures of the prompt at random. Prompts of one picture then count as 0; without it they do not
 * count.
 *
 * @returns ≥ 0; null where no prompt has two pictures.
 * @throws RangeError if there is not one prompt for every picture.
 */
export const diversity = (
  { data, count, dims }: Features,
  prompts: readonly (string | number)[],
  { replacement = false }: { replacement?: boolean } = {},
): number | null => {
  if (prompts.length !== count) throw new RangeError(`${prompts.length} prompts for ${count} pictures`)
  const byPrompt = new Map<string | number, number[]>()
  for (const [i, prompt] of prompts.entries()) {
    const known = byPrompt.get(prompt)
    if (known) known.push(i)
    else byPrompt.set(prompt, [i])
  }
  let sum = 0
  let singles = 0
  for (const all of byPrompt.values()) {
    const some = Math.min(all.length, MOST)
    if (some < 2) {
      singles++
      continue
    }
    const rows = Array.from({ length: some }, (_, k) => all[Math.floor((k * all.length) / some)]! * dims)
    let distances = 0
    for (let i = 0; i < some; i++)
      for (let j = 0; j < i; j++) {
        let squares = 0
        for (let d = 0; d < dims; d++) squares += (data[rows[i]! + d]! - data[rows[j]! + d]!) ** 2
        distances += Math.sqrt(squares / dims)
      }
    const pairs = (some * (some - 1)) / 2
    sum += (distances / pairs) * (replacement ? 1 - 1 / all.length : 1)
  }
  if (singles === byPrompt.size) return null
  return sum / (byPrompt.size - (replacement ? 0 : singles))
}
