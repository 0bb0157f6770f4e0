/** Prepares curves for drawing: fewer points, less noise, and round numbers along the axes. */

export interface Point {
  x: number
  y: number
}

/** Means of equal runs of neighbours, at most `most` of them; points that are no numbers are left out. */
export const thin = (points: readonly Point[], most: number): Point[] => {
  const real = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
  if (real.length <= most) return real
  return Array.from({ length: most }, (_, i) => {
    const run = real.slice(Math.floor((i * real.length) / most), Math.floor(((i + 1) * real.length) / most))
    const mean = (of: (point: Point) => number) => run.reduce((sum, point) => sum + of(point), 0) / run.length
    return { x: mean((p) => p.x), y: mean((p) => p.y) }
  })
}

/** A mean over `reach` neighbours to either side; fewer at the ends, and at the start as many ahead as behind. */
export const smooth = (points: readonly Point[], reach: number): Point[] =>
  points.map(({ x }, i) => {
    const near = Math.min(i, reach)
    const run = points.slice(i - near, i + near + 1)
    return { x, y: run.reduce((sum, point) => sum + point.y, 0) / run.length }
  })

/** Evenly chosen, first and last among them. */
export const pick = <T>(items: readonly T[], most: number): T[] =>
  items.length <= most
    ? [...items]
    : Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!)

/** Round numbers within [min, max], about as many as a small plot carries. */
export const ticks = (min: number, max: number, log: boolean): number[] => {
  if (!(max > min)) return [min]
  if (!log || max / min < 4) {
    const rough = (max - min) / 5
    const unit = 10 ** Math.floor(Math.log10(rough))
    const step = unit * ([1, 2, 5, 10].find((m) => m * unit >= rough) ?? 10)
    const first = Math.ceil(min / step - 1e-9)
    const count = Math.floor(max / step + 1e-9) - first + 1
    return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  }
  const mantissas = max / min < 300 ? [1, 2, 5] : [1]
  const list: number[] = []
  for (let e = Math.floor(Math.log10(min)); e <= Math.log10(max); e++)
    for (const m of mantissas) list.push(Number(`${m}e${e}`))
  return list.filter((v) => v >= min && v <= max)
}

/** The range of some values with a little air around it, or undefined where there are none. */
export const extent = (values: readonly number[], log: boolean): [number, number] | undefined => {
  if (values.length === 0) return undefined
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [
    Infinity,
    -Infinity,
  ] as const)
  if (log) {
    const air = Math.max((high / low) ** 0.06, 1.08)
    return [low / air, high * air]
  }
  const air = 0.05 * (high - low) || Math.abs(high) * 0.1 || 1
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air]
}
