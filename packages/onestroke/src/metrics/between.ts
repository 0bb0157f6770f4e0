import { checkDims, type Features } from './features.js'

/** Shares of the way from one picture to the other between which a sample is neither. */
const [FROM, TO] = [0.25, 0.75]

/**
 * Share of samples that lie between two training pictures, where exactly two different ones have the sample's name a and
 * b: those whose projection on the line from a to b, t = (x − a)·(b − a) / ‖b − a‖², is from 0.25 to 0.75. A sampler
 * that chooses has few, one that averages has many.
 *
 * real [n, pixels], samples [m, pixels]; `expected[j]` is a training picture of sample j's name, and `groups[i]` says
 * which training pictures i have one name.
 *
 * @returns in [0, 1]; null where no sample has a name of exactly two different pictures.
 * @throws UserError if the pictures differ in size.
 */
export const between = (
  real: Features,
  samples: Features,
  expected: ArrayLike<number>,
  groups: ArrayLike<number>,
): number | null => {
  checkDims(real, samples)
  const { dims } = real
  const members = new Map<number, number[]>()
  for (let i = 0; i < real.count; i++) {
    const known = members.get(groups[i]!)
    if (known) known.push(i)
    else members.set(groups[i]!, [i])
  }
  let [found, of] = [0, 0]
  for (let j = 0; j < samples.count; j++) {
    const named = members.get(groups[expected[j]!]!)!
    if (named.length !== 2) continue
    const [a, b] = [named[0]! * dims, named[1]! * dims]
    let [along, length] = [0, 0]
    for (let d = 0; d < dims; d++) {
      const step = real.data[b + d]! - real.data[a + d]!
      along += (samples.data[j * dims + d]! - real.data[a + d]!) * step
      length += step * step
    }
    if (length === 0) continue
    of++
    if (along >= FROM * length && along <= TO * length) found++
  }
  return of > 0 ? found / of : null
}
