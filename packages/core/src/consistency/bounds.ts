/** What the numbers among the methods' options may be. An option of one name means one thing in every method. */

interface Bounds {
  readonly least: number
  readonly most?: number
  /** Whether the bounds themselves are out of bounds. */
  readonly open?: true
  readonly whole?: true
}

const COUNT: Bounds = { least: 1, most: 1e6, whole: true }
const SHARE: Bounds = { least: 0, most: 1 }
const POSITIVE: Bounds = { least: 0, open: true }

const BOUNDS: Readonly<Record<string, Bounds>> = {
  N: { ...COUNT, least: 3 },
  s0: { ...COUNT, least: 2 },
  s1: { ...COUNT, least: 2 },
  stages: COUNT,
  substeps: { ...COUNT, most: 64 },
  points: { ...COUNT, most: 64 },
  mu: { least: 0, most: 0.999999 },
  mu0: { least: 0, most: 1, open: true },
  huber: POSITIVE,
  c: POSITIVE,
  tangent_c: POSITIVE,
  P_std: POSITIVE,
  P_mean: { least: -20, most: 20 },
  b: { least: -100, most: 100 },
  q: { least: 1, most: 1000, open: true },
  k: { least: 0, most: 1e6 },
  power: { least: 0, most: 2 },
  top: SHARE,
  bottom: SHARE,
  ratio: SHARE,
  uniform: SHARE,
  tangent_warmup: SHARE,
  steps: { ...COUNT, most: 64 },
  updates: { ...COUNT, most: 1000 },
  gan: { least: 0, most: 100 },
}

/** What an option's number must be, in words, if `value` is not that. */
export const outOfBounds = (name: string, value: number): string | undefined => {
  const bounds = BOUNDS[name]
  if (!bounds) return undefined
  const { least, most = Number.POSITIVE_INFINITY, open, whole } = bounds
  const inside = open ? value > least && value < most : value >= least && value <= most
  if (inside && (!whole || Number.isInteger(value))) return undefined
  const kind = whole ? 'a whole number' : 'a number'
  if (most === Number.POSITIVE_INFINITY) return `${kind} above ${least}`
  return `${kind} ${open ? 'between' : 'from'} ${least} ${open ? 'and' : 'to'} ${most}${open ? ', neither of them' : ''}`
}
