/** Refuses an --out that would overwrite what the run reads. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { linksIn } from '../data/index.js'
import { isSamePath, isWithin, realPathOf } from '../formats/index.js'
import type { LoadedModel } from '../model/index.js'
import { CONFIG_FILE, SAMPLES_FOLDER, WEIGHTS_FILE } from '../run-files.js'
import type { RunSettings } from './run-settings.js'
import { UsageError } from './usage-error.js'

/** @throws UserError if --out is (also by links) a model that the run reads, lies within its data, or has the data within it. */
export const checkOut = async (
  spec: string,
  out: string,
  { teacher, initFrom }: Pick<RunSettings, 'teacher' | 'initFrom'>,
): Promise<void> => {
  await checkApart(spec, out)
  for (const [what, model] of [
    ['the teacher itself', teacher],
    ['what it would begin with', initFrom],
  ] as const)
    if (model && liesIn(model, out))
      throw new UsageError(`--out ${out} is ${what}, which would be replaced`, {
        remedy: 'choose another --out',
      })
}

/** Whether a file of a model lies in this folder, also if links lead to it. */
const liesIn = ({ path }: Pick<LoadedModel, 'path'>, folder: string): boolean =>
  [CONFIG_FILE, WEIGHTS_FILE].some((name) => isSamePath(dirname(realPathOf(join(path, name))), folder))

/** @throws UserError if the run's pictures would become data, or data would be taken for the run's pictures. */
const checkApart = async (spec: string, out: string): Promise<void> => {
  if (!existsSync(spec)) return
  const places = [spec, ...(await linksIn(spec))]
  const samples = join(out, SAMPLES_FOLDER)
  if (places.some((place) => isWithin(place, samples)))
    throw new UsageError(`the data, ${spec}, is where the samples of --out ${out} go`, {
      remedy: 'choose another --out',
    })
  if (places.some((place) => isWithin(out, place)))
    throw new UsageError(`--out ${out} lies within the data, ${spec}: samples would be taken for data`, {
      remedy: 'choose another --out',
    })
}
