/** Measures how long steps take, and computes how many there is time for. */
import type { Program } from '@onestroke/core/tensor'
import type { AnyBatch } from './batches.js'
import { largest } from './group.js'
import { runStep, type Training, turnAt } from './loop.js'
import type { Progress } from './state.js'

/** Most and fewest steps by which the speed is measured before a run; few if they take long. */
const [CALIBRATION_STEPS, FEWEST_STEPS] = [12, 3]
/** Seconds that this may take, where that is enough for the fewest. */
const CALIBRATION_SECONDS = 3
/** Factor by which a later timing may lengthen or shorten a training. */
const MOST_CHANGE = 3

/**
 * Seconds that a step takes on the slowest rank, by timing some that change nothing; undefined if any rank is told to stop.
 *
 * @param program the student's; `fixed` holds the names of its constants and of its state.
 */
export const stepSeconds = async (
  program: Program,
  fixed: Readonly<Record<string, unknown>>,
  training: Training,
  shouldStop: () => boolean,
): Promise<number | undefined> => {
  const wanted = Object.entries(program.inputs).filter(([name]) => !(name in fixed))
  const inputs = Object.fromEntries(
    wanted.map(([name, { size, dtype }]) => [
      name,
      dtype === 'int64' ? new BigInt64Array(size) : new Float32Array(size).fill(1),
    ]),
  )
  // Not every step is told noise levels, but every batch has them.
  const batch = { t: new Float32Array(inputs.weight!.length), ...inputs } as unknown as AnyBatch
  const { own, share } = training
  const { group } = share
  const updates = own?.steps?.updates ?? 0
  const seconds: number[] = []
  for (const turn of updates > 0
    ? [turnAt(updates + 1, training), turnAt(1, training)]
    : [turnAt(1, training)]) {
    const times: number[] = []
    const first = performance.now()
    for (let i = 0; i < CALIBRATION_STEPS; i++) {
      if (!(await group.all(!shouldStop()))) return undefined
      const begin = performance.now()
      const isLong = i >= FEWEST_STEPS && begin - first > 1000 * CALIBRATION_SECONDS
      if (!(await group.all(!isLong))) break
      await runStep(turn, batch, share)
      await turn.trained[0]!.rehearse()
      times.push((performance.now() - begin) / 1000)
    }
    seconds.push(await largest(group, times.sort((a, b) => a - b)[times.length >> 1]!))
  }
  const [students, owns = 0] = seconds as [number, number?]
  return (students + updates * owns) / (1 + updates)
}

/** Pictures of the whole training if there is time for this many more steps. */
export const settledImages = ({ step, images }: Progress, batch: number, left: number): number => {
  const steps = step + (Number.isFinite(left) ? Math.max(1, Math.round(left)) : 1)
  const planned = images / batch
  return Math.round(Math.min(Math.max(steps, planned / MOST_CHANGE), planned * MOST_CHANGE)) * batch
}
