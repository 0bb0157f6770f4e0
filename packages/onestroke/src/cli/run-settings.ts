/** What `train` and `distill` ask of a run, apart from what a person can choose. */
import type { Objective, PredictionName } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import type { Vocabulary } from '@onestroke/core/text'
import type { Dataset } from '../data/index.js'
import type { Effort, FeatureExtractor } from '../evaluation/index.js'
import type { LoadedAutoencoder, LoadedModel, Model } from '../model/index.js'
import type { GuidanceScale, Progress, RunOptions, RunPlan } from '../training/index.js'

export interface RunSettings {
  readonly command: 'train' | 'distill'
  readonly preset: string
  /** What a new network predicts. Default: `edm`. */
  readonly prediction?: PredictionName
  readonly objective: Pick<
    Objective,
    'name' | 'options' | 'guidance_scale' | 'learning_rate' | 'batch' | 'flow_map'
  >
  readonly teacher?: LoadedModel
  /** What the weights begin as. */
  readonly initFrom?: LoadedModel
  /** In whose latents a fresh model works. */
  readonly autoencoder?: LoadedAutoencoder
  readonly minutes: number
  /** Default: the method's own range if the pictures have prompts or classes, else 1. */
  readonly guidance_scale?: GuidanceScale
  vocabulary(dataset: Dataset): Vocabulary
  range(dataset: Dataset): { sigma_min: number; sigma_max: number }
  readonly training: Pick<RunPlan, 'batch' | 'optimizer' | 'schedule' | 'condition_dropout' | 'word_dropout'>
  readonly tune?: boolean
  /** The teacher whose path a student is compared with, and the scale of its guidance. */
  readonly path?: { readonly teacher: LoadedModel; readonly guidance_scale: number }
  /** The feature network by which a student is judged, for all that judges it. */
  features?(dataset: Dataset, effort: Effort): Promise<FeatureExtractor>
  /** How often the quality is measured on the way. */
  readonly checks?: number
  /** Makes what measures it. */
  checker?(dataset: Dataset, effort: Effort): Promise<(model: Model) => Promise<CheckResult>>
  /** Called when the training is done, unless `tune` is false: how the model is best sampled. */
  tuneSampling?(model: Model, dataset: Dataset, effort: Effort): Promise<Partial<ModelConfig['sampling']>>
  /** Pictures of the report for each row and noise seed, if a person chose the number. */
  readonly samples?: number
  /** Makes a finished run's report. Returns what goes into the JSON document. */
  report?(progress: Progress | undefined, dataset: Dataset, frame: ReportFrame): Promise<object>
  /** What `report` returned, if the report is there already. */
  reported?(): Promise<object | undefined>
}

export type CheckResult = Awaited<ReturnType<NonNullable<RunOptions['check']>>>

/** How much a report may measure. */
export interface ReportFrame {
  readonly effort: Effort
  /** Seconds that it may take. They do not limit a run of so many images for which a person asked for so many samples. */
  readonly seconds: number
  /** Whether the run was given so many minutes. */
  readonly timed: boolean
}
