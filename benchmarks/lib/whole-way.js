/**
 * `ecd` along the teacher's whole way, learned at four points of it: flags for `distill`. As many pictures in a step then as
 * give the usual number of examples.
 */
export const WHOLE_WAY = [
  ...['--method', 'ecd', '--batch', '16'],
  ...['stages=1', 'solver=dpmpp_2m', 'substeps=16', 'points=4', 'top=0.5'].flatMap((option) => [
    '--option',
    option,
  ]),
]
