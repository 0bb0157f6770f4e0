/** @param {string[]} options NAME=VALUE */
const flags = (...options) => options.flatMap((option) => ['--option', option])

/** Ways to use `ecd-grid`, by name: flags for `distill`. */
export const VARIANTS = {
  /** A quarter of the teacher's way, by Heun's method, down to where the student's own guess is the target. */
  'ecd-four-levels': ['--method', 'ecd-grid'],
  /** Grids that grow fine in stages, and one of the teacher's steps on them. */
  'ecd-fine': ['--method', 'ecd-grid', ...flags('grids=4,8,16,24', 'substeps=1')],
}

/**
 * Flags for `distill`.
 *
 * @param {string} name of a method or of a variant, with options of its own behind: `scd`, `ecd-fine`, `scd@top=0@P_std=2`
 * @returns {string[]}
 */
export const flagsOf = (name) => {
  const [way = '', ...options] = name.split('@')
  const known = Object.entries(VARIANTS).find(([variant]) => variant === way)?.[1] ?? ['--method', way]
  return [...known, ...flags(...options)]
}
