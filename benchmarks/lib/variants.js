/** @param {string[]} options NAME=VALUE */
const flags = (...options) => options.flatMap((option) => ['--option', option])

/** Ways to use `ecd` other than its default, by name: flags for `distill`. */
export const VARIANTS = {
  /**
   * Along the teacher's whole way, learned at four points of it. As many pictures in a step then as give the usual number of
   * examples.
   */
  'ecd-whole-way': [
    ...['--method', 'ecd', '--batch', '16'],
    ...flags('stages=1', 'solver=dpmpp_2m', 'substeps=16', 'points=4', 'top=0.5'),
  ],
  /** Grids that grow fine in stages, and one of the teacher's steps on them: a picture costs half as much. */
  'ecd-fine': ['--method', 'ecd', ...flags('stages=4,8,16,24', 'substeps=1')],
}

export const WHOLE_WAY = VARIANTS['ecd-whole-way']
