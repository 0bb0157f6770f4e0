/** @param {string[]} options NAME=VALUE */
const flags = (...options) => options.flatMap((option) => ['--option', option])

/** Ways to use `ecd` other than its default, by name: flags for `distill`. */
export const VARIANTS = {
  /**
   * Along the teacher's whole way, learned at four points of it. As many pictures in a step then as give the usual number of
   * examples.
   */
  'ecd-whole-way': [
    '--method',
    'ecd',
    '--batch',
    '16',
    ...flags('stages=1', 'solver=dpmpp_2m', 'substeps=16', 'points=4', 'top=0.5'),
  ],
  /** Grids that grow fine in stages, and one of the teacher's steps on them: a picture costs half as much. */
  'ecd-fine': ['--method', 'ecd', ...flags('stages=4,8,16,24', 'substeps=1')],
}

export const WHOLE_WAY = VARIANTS['ecd-whole-way']

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
