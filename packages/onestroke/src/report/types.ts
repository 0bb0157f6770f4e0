import type { Evaluation } from '../evaluation/index.js'

/** What `distill` and `demo` write: as `report.json` word for word, and as a page, `report.html`. */
export interface Report {
  title: string
  /** One or two sentences. */
  summary: string
  /** ISO date. */
  created: string
  machine: Machine
  data: { name: string; images: number; height: number; width: number; channels: number }
  runs: Run[]
  /** The document of an evaluation. */
  evaluation?: Evaluation
  /** How well an autoencoder gives pictures back. */
  reconstruction?: Reconstruction
  loss: LossCurve[]
  /** The student's training by band of noise levels, and its quality on the way. */
  course?: Course
  /** Denoising error per noise level; `identity` is the error of the noisy picture itself. */
  denoising?: { sigma: number[]; student: number[]; teacher: number[]; identity: number[] }
  sections: Section[]
  /** Commands that reproduce this. */
  commands: string[]
  notes: string[]
}

export interface Reconstruction {
  /** Pictures that were measured, and whether they were kept from the training. */
  pictures: number
  held_out: boolean
  /** Pixels along the side of the square that becomes one position, and the numbers that it becomes. */
  factor: number
  latent_channels: number
  /** Peak signal-to-noise ratio, in decibels: mean over the pictures, the worst one's and the best one's. */
  psnr: { mean: number; worst: number; best: number }
  /** Milliseconds to encode and to decode one of them. */
  encode_ms: number
  decode_ms: number
}

export interface Machine {
  cpu: string
  cores: number
  memory_gb: number
  node: string
  onestroke: string
  onnxruntime: string
}

export interface Run {
  name: 'teacher' | 'student' | 'autoencoder'
  parameters: number
  preset: string
  method?: string
  images_seen: number
  seconds: number
  path: string
  sha256: string
  options: Record<string, unknown>
}

export interface LossCurve {
  name: string
  points: { images: number; loss: number }[]
}

/** Bands lie between the falling `limits`, one more than there are bands; null where nothing was measured. */
export interface Course {
  limits: number[]
  /** Mean loss by band at the beginning, in the middle and at the end. */
  loss: { images: number; bands: (number | null)[] }[]
  checks: {
    images: number
    /** By number of steps. */
    fid: Record<string, number>
    gradient_norm: (number | null)[]
    teacher_distance: number[]
  }[]
}

export interface Section {
  title: string
  text?: string
  /** Whether its grids stand beside each other wherever there is room for two. */
  side_by_side?: boolean
  grids: Grid[]
}

export interface Grid {
  caption: string
  /** For instance `32 Heun steps, 63 network evaluations, 34 ms per picture`. */
  detail?: string
  highlight?: boolean
  /** File name of the picture, beside `report.json`. */
  png: string
}
