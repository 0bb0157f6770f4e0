/** What every run of a student does: it measures the quality on the way, and searches noise levels at the end. */
import type { Command } from 'commander'
import type { Dataset } from '../data/index.js'
import {
  asSeenBy,
  type Effort,
  type FeatureExtractor,
  type FoundLevels,
  featuresFor,
  Judge,
  judgedBy,
  qualityChecker,
  samplesToChoose,
  searchPictures,
  searchSigmas,
} from '../evaluation/index.js'
import type { LoadedModel, Model } from '../model/index.js'
import { integer } from './options.js'
import type { RunSettings } from './run-settings.js'
import { Bar, say, showingFeatures } from './terminal.js'
import { UsageError } from './usage-error.js'

const CHECKS = 8

export interface StudentFlags {
  checks?: number
  tune?: boolean
}

export const studentOptions = (command: Command): Command =>
  command
    .option(
      '--checks <count>',
      `how often a student’s quality is measured on the way; earlier weights are kept if they were better beyond the noise (default: ${CHECKS})`,
      integer(0, 1000),
    )
    .option('--no-tune', 'set a student’s noise levels of 2 to 4 steps by rule, without searching')

/** @param path the teacher whose path students are compared with, and the scale of its guidance. */
export const studentSettings = (
  { checks = CHECKS, tune = true }: StudentFlags,
  path?: { teacher: LoadedModel; guidance_scale: number },
): Pick<RunSettings, 'path' | 'features' | 'checks' | 'checker' | 'tune' | 'tuneSampling'> => {
  let opened: Promise<FeatureExtractor> | undefined
  /** Opened once per run, because checks, search and report share its features of the real pictures. */
  const features = (dataset: Dataset, { feature_steps }: Effort): Promise<FeatureExtractor> => {
    const seen = path ? asSeenBy(path.teacher.config, dataset) : dataset
    opened ??= showingFeatures((notify) => featuresFor(seen, { ...notify, feature_steps }))
    return opened
  }
  return {
    path,
    features,
    checks,
    checker: async (dataset, effort) =>
      qualityChecker(dataset, await features(dataset, effort), {
        pictures: effort.check_pictures,
        ...(path && effort.check_path > 0 && { path }),
      }),
    tune,
    tuneSampling: async (model, dataset, effort) =>
      tuneSampling(model, asSeenBy(model.config, dataset), await features(dataset, effort), effort),
  }
}

/** @throws UserError if a student-only flag is given for a teacher. */
export const refuseStudentFlags = ({ checks, tune = true }: StudentFlags): void => {
  if (checks !== undefined || !tune)
    throw new UsageError(
      `${checks === undefined ? '--no-tune' : '--checks'} is for students; this trains a teacher`,
      { remedy: 'leave it out, or choose a --method that makes a student' },
    )
}

const tuneSampling = async (
  model: Model,
  dataset: Dataset,
  extractor: FeatureExtractor,
  effort: Effort,
): Promise<Partial<Model['config']['sampling']>> => {
  // Compares only with the pictures whose prompts are painted: see `samplesToChoose`.
  const rows = judgedBy(dataset, Math.min(searchPictures(effort, dataset.count), dataset.count))
  const judge = await Judge.of(extractor, dataset, {
    samples: samplesToChoose(rows.length),
    // The search has seeds of its own.
    seed: 0,
    rows,
  })
  const bar = new Bar('choosing noise levels for 2 to 4 steps', 'tried')
  try {
    const found = await searchSigmas(model, judge, {
      candidates: effort.search_candidates,
      finalists: effort.search_finalists,
      onProgress: (done, total) => bar.update(done, total),
    })
    bar.stop()
    for (const one of found) say(chosen(one))
    const better = found.filter((one) => one.better)
    return { sigmas: Object.fromEntries(better.map(({ steps, sigmas }) => [steps, [...sigmas]])) }
  } finally {
    bar.stop()
  }
}

/** What was chosen for a number of steps, and why. */
const chosen = ({ steps, sigmas, ratio: { mean, error }, better }: FoundLevels): string => {
  const percent = (share: number) => (100 * Math.abs(share)).toFixed(1)
  const noise = error === null ? '' : ` ± ${percent(error)}`
  const against = `${percent(mean)}${noise} % ${mean < 0 ? 'lower' : 'higher'} than by rule`
  return better
    ? `${steps} steps: noise levels ${sigmas.join(', ')}, FID ${against}`
    : `${steps} steps: noise levels by rule, because none are better beyond the noise (the best tried: FID ${against})`
}
