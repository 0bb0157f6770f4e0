/** Real pictures measured as if they were samples. */
import type { Dataset } from '../data/index.js'
import { drawAny, drawSameName, type Features, rowsOf } from '../metrics/index.js'
import { featuresOfDataset, type Reference } from './feature-space.js'
import type { Judge } from './judge.js'
import { estimateOf } from './rows.js'
import type { Estimate, Floor } from './types.js'

/** Draws by which the KID of replayed training pictures is told, at least. */
const DRAWS = 8
/** Fewest real pictures that have a floor. */
const FEWEST = 4

type Drawn = Pick<Judge, 'samples' | 'expected' | 'groups' | 'rows'>

/**
 * What training pictures score that are drawn at random, at equal counts, once a noise seed: against the test split
 * where models are compared with that; else of each prompt's name, where most pictures share their name with another;
 * else any.
 */
export const floorOf = async (
  references: readonly Reference[],
  dataset: Dataset,
  reference: Dataset,
  judge: Drawn,
  seeds: readonly number[],
): Promise<Floor> => {
  const kind = reference !== dataset ? 'test' : sharesNames(dataset, judge) ? 'same-name' : 'resample'
  if (reference.count < FEWEST) return { kind, fid: null, kid: null, judges: {} }
  const draws = seeds.map((seed) =>
    kind === 'same-name'
      ? drawSameName(judge.expected, judge.groups, { seed })
      : drawAny(judge.rows.length, judge.samples, { seed }),
  )
  const judges: Floor['judges'] = {}
  for (const one of references) {
    const sets: Features[] = []
    for (const rows of draws)
      sets.push(
        kind === 'test'
          ? await featuresOfDataset(
              one.space,
              dataset,
              Array.from(rows, (row) => judge.rows[row]!),
            )
          : rowsOf(one.real, rows),
      )
    judges[one.space.info.name] = {
      fid: estimateOf(sets.map((set) => one.fid(set))),
      kid: estimateOf(sets.map((set) => one.kid(set))),
    }
  }
  const { fid, kid } = judges[references[0]!.space.info.name]!
  return { kind, fid: fid.mean, kid: kid.mean, judges }
}

/**
 * KID of training pictures drawn at random, with replacement, as many as there are samples. It lies below 0, because
 * replayed pictures are nearer to the training set than other pictures of the same distribution. Null where models are
 * compared with a test split, which a model cannot replay, or where there are too few pictures.
 */
export const replayOf = (
  one: Reference,
  dataset: Dataset,
  reference: Dataset,
  { samples, seed }: Pick<Judge, 'samples' | 'seed'>,
): Estimate | null => {
  if (reference !== dataset || reference.count < FEWEST) return null
  const { real } = one
  const draws = Array.from({ length: DRAWS }, (_, i) => drawAny(real.count, samples, { seed, step: 1 + i }))
  const { mean, sd } = estimateOf(draws.map((rows) => one.kid(rowsOf(real, rows))))
  return { mean, sd }
}

/** Whether most pictures have a name that another picture has too. */
const sharesNames = ({ names }: Dataset, { groups }: Drawn): boolean => {
  if (!names) return false
  const counts = new Map<number, number>()
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1)
  const shared = groups.reduce((sum, group) => sum + (counts.get(group)! > 1 ? 1 : 0), 0)
  return 2 * shared > groups.length
}
