/** What every student gets, distilled or not: its quality measured on the way, its noise levels searched in the end. */
import { UserError } from '@onestroke/core/formats'
import type { Command } from 'commander'
import type { Dataset } from '../data/index.js'
import {
  asSeenBy,
  type FoundLevels,
  featuresFor,
  Judge,
  qualityChecker,
  samplesToChoose,
  searchSigmas,
} from '../evaluation/index.js'
import type { LoadedModel, Model } from '../model/index.js'
import { integer } from './options.js'
import type { RunSettings } from './run-command.js'
import { Bar, say, showingFeatures } from './terminal.js'

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
): Pick<RunSettings, 'checks' | 'checker' | 'tune' | 'tuneSampling'> => ({
  checks,
  checker: (dataset) =>
    showingFeatures((notify) => qualityChecker(dataset, { ...notify, ...(path && { path }) })),
  tune,
  tuneSampling,
})

/** @throws UserError if there is no student that they could be for. */
export const refuseStudentFlags = ({ checks, tune = true }: StudentFlags): void => {
  if (checks !== undefined || !tune)
    throw new UserError(
      `${checks === undefined ? '--no-tune' : '--checks'} is for students; this trains a teacher`,
      { exitCode: 2, remedy: 'leave it out, or choose a --method that makes a student' },
    )
}

const tuneSampling = async (model: Model, dataset: Dataset) => {
  const extractor = await showingFeatures((notify) => featuresFor(dataset, notify))
  const judge = await Judge.of(extractor, asSeenBy(model.config, dataset), {
    samples: samplesToChoose(dataset),
    // The search has seeds of its own.
    seed: 0,
  })
  const bar = new Bar('choosing noise levels for 2 to 4 steps', 'tried')
  try {
    const found = await searchSigmas(model, judge, {
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
