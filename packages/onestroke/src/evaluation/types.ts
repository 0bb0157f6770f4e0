/** The document of an evaluation, and the few numbers that one derives from it. */

/** A figure over noise seeds: its mean, and its standard deviation (of a sample; null with one seed). */
export interface Estimate {
  mean: number
  sd: number | null
}

/** An estimate with what it was made from: one value for each noise seed, in their order. */
export interface Series extends Estimate {
  values: number[]
}

/** What one judge says of one sampler. */
export interface Distances {
  /** Fréchet distance of the judge's features to those of the data; lower is better. */
  fid: Series
  /** Unbiased kernel distance of the same features. */
  kid: Series
}

/** What is measured of a sampler: means over the noise seeds. What does not apply, or could not be measured, is null. */
export interface Measures {
  /** By the first judge. */
  fid: number | null
  /** By the first judge. */
  kid: number | null
  precision: number | null
  recall: number | null
  seconds_per_image: number | null
  /** Share of pictures whose nearest training picture is one that the prompt names. */
  prompt_top1: number | null
  prompt_top5: number | null
  /** RMSE, in [-1, 1] pixels, to the teacher's 64-step Heun endpoint from the same noise. */
  teacher_distance: number | null
  /** Share of pictures that nearly copy a training picture: the nearest is less than half as far as the next one. */
  copies: number | null
  /** Share of pictures between two training pictures of one name: 25 to 75 % of the way; null without such pairs. */
  between: number | null
  /** Mean RMS difference between pictures of one prompt, in [-1, 1] pixels: how varied they are. */
  diversity: number | null
  /** Mean squared Laplacian, as a multiple of the real pictures': below 1 is softer. */
  edge_energy: number | null
  /**
   * Squared differences across the borders of squares against those inside, as a multiple of the real pictures': the
   * worst over squares of 2, 4, … up to half the side. 1 is no seam.
   */
  seams: number | null
}

/** The columns of a row that can be better or worse. */
export type Measure = keyof Measures

/** One sampler measured. */
export interface EvaluationRow extends Measures {
  who: 'student' | 'teacher'
  /** `consistency`, `ddim`, `heun`, … */
  solver: string
  steps: number
  /** Network evaluations for one picture. */
  nfe: number
  /** Standard deviations over the noise seeds of the measures above that are taken once a seed. */
  deviation: Partial<Record<Measure, number | null>>
  /** Every judge's distances, by the judge's name. */
  judges: Record<string, Distances>
}

/** A space of features in which pictures are compared. */
export interface JudgeInfo {
  name: string
  sha256: string
  dims: number
  /** What it is, in a sentence. */
  about: string
  /** Whether it took part in training or choosing: what chose a model may not grade it alone. */
  took_part: boolean
}

/** Training pictures in place of samples, as many, drawn at random once a noise seed; no lower bound, for a copy scores 0. */
export interface Floor {
  /**
   * `test`: any, against the test split, with which everything is then compared. `same-name`: for each prompt one of its
   * name, where most pictures share their name with another. `resample`: any, with replacement.
   */
  kind: 'test' | 'same-name' | 'resample'
  /** By the first judge; null where there are too few pictures. */
  fid: number | null
  kid: number | null
  judges: Record<string, Distances>
}

export interface Evaluation {
  model: { path: string; sha256: string; parameters: number; kind: 'teacher' | 'student' }
  /** `compared`: how many real pictures stand for the data, or for its test split; those of earlier versions do not tell. */
  data: { name: string; images: number; compared?: number }
  /** Pictures for each row and noise seed. */
  samples: number
  /** The first noise seed. */
  seed: number
  /** All of them: every row is painted once with each, and differences between rows are paired. */
  noise_seeds: number[]
  /** The first judge. */
  features: { name: string; sha256: string; dims: number }
  judges: JudgeInfo[]
  floor: Floor
  /**
   * KID, by the first judge, of as many training pictures drawn at random, with replacement. Below this minus two
   * deviations, samples replay training pictures; null where there are too few pictures, or where everything is compared
   * with a test split.
   */
  replay: Estimate | null
  /**
   * The training pictures' own numbers: `seams` by side of the square, as border against inside; `diversity` of two of one
   * prompt, drawn at random with replacement, null where no prompt has two.
   */
  real: { seams: Record<string, number>; diversity: number | null }
  rows: EvaluationRow[]
  /**
   * Whether many-step settings of the teacher were tried to find its best; false where there was time for its rows alone,
   * null without a teacher. Earlier versions do not tell.
   */
  teacher_sought?: boolean | null
  /** Outputs differ from the teacher's at equal noise, and so do the weights; null without a teacher. */
  student_is_student: boolean | null
}
