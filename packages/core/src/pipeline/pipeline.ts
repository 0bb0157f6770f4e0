/** From noise and prompts to pictures: everything about sampling but what runs the denoiser. */
import { flowMapEnds, lcmSigmas, lerp, multistep, multistepSigmas, slerp } from '../consistency/index.js'
import {
  type DenoiseFunction,
  evaluations,
  noiseSchedule,
  type ScheduleName,
  SOLVERS,
  type SolverName,
  type SolverOptions,
  trailingSchedule,
} from '../diffusion/index.js'
import { type ModelConfig, UserError } from '../formats/index.js'
import { type PictureShape, sizeOf } from '../picture/index.js'
import { Random, STREAM } from '../random/index.js'
import type { Executable } from '../tensor/index.js'
import { type Bag, Tokenizer } from '../text/index.js'
import { checkFinite, checkNumbers, checkSigmas, seedsFrom } from './checks.js'
import { between, checkEdit, type EditOptions, editOf, type Interpolation } from './edit.js'

/** A student's steps in an edit: the first leaves traces of the old picture, and does not know what a mask keeps. */
const EDITING_STEPS = 4

/** What sampling needs to know of a model. */
export type PipelineConfig = Pick<
  ModelConfig,
  'kind' | 'network' | 'sigma_min' | 'sigma_max' | 'sigma_data' | 'vocabulary' | 'sampling'
>

/** What runs a model's denoiser; see `denoiseProgram` for its inputs and its output. */
export interface DenoiserSource {
  /** The denoiser for batches of a size. Called each time that it is needed. */
  executable(batch: number): Promise<Executable>
  /** Weights to feed with each run, where they are not part of the executable. */
  weights?(): Readonly<Record<string, Float32Array>>
  release(): Promise<void>
}

export interface GenerateOptions extends SolverOptions, EditOptions {
  /** One prompt (or class name) per picture; '' is no condition. */
  prompts: readonly string[]
  /** Same seed, same pictures: a whole number up to `MOST_SEED`. Picture k of a batch is that of seed + k; see `seedsFrom`. */
  seed?: number
  /** One for each picture, instead of `seed`. */
  seeds?: readonly number[]
  /** Unit Gaussian noise for each step, [count, C, H, W], instead of seeds: step 0 is where pictures begin. */
  noise?(step: number): Float32Array
  /** Default: what the model recommends; students that edit take 4 or more. */
  num_inference_steps?: number
  /** A student's noise levels, decreasing, one for each step: instead of `num_inference_steps`. */
  sigmas?: readonly number[]
  /** For students `consistency`; for diffusion models `ddim`, `heun` or `dpmpp_2m`. */
  solver?: SolverName | 'consistency'
  /** How a teacher's steps are spaced; a student's levels by `karras`, `ddim`, `linear` or `lcm` instead of its own. */
  schedule?: ScheduleName | 'lcm'
  /** Students: how much of each further step is fresh noise; see `multistep`. */
  gamma?: number
  /** Classifier-free guidance w in D_u + w(D_c − D_u): 1 means none. */
  guidance_scale?: number
  /** What guidance leads away from, instead of no condition. */
  negative_prompt?: string
  /** Pictures on the way to another prompt or seed. */
  to?: Interpolation
  /** Ends the sampling before its next evaluation of the network: `generate` then throws the signal's reason. */
  signal?: AbortSignal
}

/** Pictures [count, channels, height, width] in [-1, 1], not clipped, but finite. */
export interface Generated extends PictureShape {
  readonly data: Float32Array
  readonly count: number
}

export class Pipeline<Config extends PipelineConfig = PipelineConfig> {
  readonly tokenizer: Tokenizer

  constructor(
    readonly config: Config,
    readonly source: DenoiserSource,
  ) {
    this.tokenizer = new Tokenizer(config.vocabulary)
  }

  /** What each of its pictures looks like in memory. */
  get shape(): PictureShape {
    const { channels, height, width } = this.config.network
    return { channels, height, width }
  }

  /** Numbers of one picture: channels · height · width. */
  get pictureSize(): number {
    return sizeOf(this.shape)
  }

  /** Unit Gaussian noise number first … first + count − 1 of a seed, for one step: [count, C, H, W]. Number 0 makes its picture. */
  noise(seed: number, first: number, count: number, step = 0): Float32Array {
    const size = this.pictureSize
    const out = new Float32Array(count * size)
    for (let i = 0; i < count; i++)
      new Random({ seed, stream: STREAM.sample, step, index: first + i }).fillNormal(
        out.subarray(i * size, (i + 1) * size),
      )
    return out
  }

  /** The noise that makes each seed's picture. */
  #noiseOf(seeds: readonly number[], step: number): Float32Array {
    const out = new Float32Array(seeds.length * this.pictureSize)
    for (const [i, seed] of seeds.entries()) out.set(this.noise(seed, 0, 1, step), i * this.pictureSize)
    return out
  }

  /**
   * D(x; σ) for a batch with the given conditions, as `multistep` takes it. Two network evaluations a call where guidance
   * asks for them.
   */
  async denoiser(
    prompts: readonly string[],
    {
      guidance_scale = 1,
      negative_prompt = '',
      to,
    }: Pick<GenerateOptions, 'guidance_scale' | 'negative_prompt' | 'to'> = {},
  ): Promise<DenoiseFunction> {
    const batch = prompts.length
    const executable = await this.source.executable(batch)
    const conditioned = this.config.vocabulary.kind !== 'none'
    const dense = (bags: readonly (readonly Bag[])[]) =>
      conditioned ? this.tokenizer.toDense(bags) : undefined
    const here = dense(prompts.map((prompt) => this.encode(prompt)))
    const there = to?.prompt === undefined ? undefined : dense(prompts.map(() => this.encode(to.prompt!)))
    const named = here && there ? between(here, there, to!.weights, batch, lerp) : here
    const weights = this.source.weights?.() ?? {}
    const { guidance_embedding, jump_embedding } = this.config.network.embedding
    const negative =
      guidance_embedding && conditioned ? dense(prompts.map(() => this.encode(negative_prompt))) : undefined
    const run = async (x: Float32Array, sigma: number, s: number, condition: Float32Array | undefined) => {
      const inputs = {
        ...weights,
        x,
        sigma: new Float32Array(batch).fill(sigma),
        ...(condition && { condition }),
        ...(guidance_embedding && { guidance_scale: new Float32Array(batch).fill(guidance_scale) }),
        ...(negative && { negative }),
        ...(jump_embedding && { s: new Float32Array(batch).fill(s) }),
      }
      return (await executable.run(inputs)).denoised!
    }
    const { sigma_min } = this.config
    const other =
      guidance_scale === 1 || guidance_embedding || !conditioned
        ? undefined
        : dense(prompts.map(() => this.encode(negative_prompt)))
    const denoise: DenoiseFunction = async (x, sigma, s = sigma_min) => {
      const toward = await run(x, sigma, s, named)
      if (!other) return toward
      const away = await run(x, sigma, s, other)
      return toward.map((value, i) => away[i]! + guidance_scale * (value - away[i]!))
    }
    return jump_embedding ? flowMapEnds(denoise, this.config) : denoise
  }

  /** Bags of a prompt. @throws UserError if a class is unknown. */
  encode(prompt: string): readonly Bag[] {
    try {
      return this.tokenizer.encode(prompt)
    } catch (error) {
      throw new UserError((error as Error).message, { exitCode: 2 })
    }
  }

  /** @throws UserError if the model takes no prompts, or not this one; `what` says where it was given. */
  checkPrompt(prompt: string, what = 'the prompt'): void {
    if (prompt !== '' && this.config.vocabulary.kind === 'none')
      throw new UserError('this model was trained without prompts or classes', {
        exitCode: 2,
        remedy: `leave out ${what}`,
      })
    this.encode(prompt)
  }

  /**
   * Paints one picture per prompt.
   *
   * @throws UserError if the settings do not fit the model, see `sampling`; NotFiniteError if what it paints is no picture.
   */
  async generate(options: GenerateOptions): Promise<Generated> {
    const { prompts, to, signal, negative_prompt = '' } = options
    const { config } = this
    for (const prompt of new Set(prompts)) this.checkPrompt(prompt)
    this.checkPrompt(to?.prompt ?? '', 'to.prompt')
    this.checkPrompt(negative_prompt, 'negative_prompt')
    const { solver, num_inference_steps: steps, schedule, guidance_scale } = this.sampling(options)
    const evaluate = await this.denoiser(prompts, { ...options, guidance_scale })
    const denoise: DenoiseFunction = async (x, sigma, s) => {
      signal?.throwIfAborted()
      return evaluate(x, sigma, s)
    }
    const count = prompts.length
    const { seeds = seedsFrom(options.seed ?? 0, count) } = options
    if (seeds.length !== count) throw new RangeError(`${seeds.length} seeds for ${count} prompts`)
    const noise = (step: number) => {
      const own = options.noise?.(step) ?? this.#noiseOf(seeds, step)
      if (to?.seed === undefined) return own
      const other = this.#noiseOf(Array<number>(count).fill(to.seed), step)
      return between(own, other, to.weights, count, slerp)
    }
    const edit = editOf(options, count, this.shape, config)
    const sigma_max = edit?.sigma ?? config.sigma_max
    const painted = edit?.keep(denoise) ?? denoise
    const start = edit?.start(noise(0), sigma_max) ?? noise(0).map((value) => value * sigma_max)
    const data =
      solver === 'consistency'
        ? await multistep(
            painted,
            start,
            edit?.sigmas(steps) ?? options.sigmas ?? this.sigmas(steps, options.schedule),
            config,
            noise,
            { ...options, gamma: options.gamma ?? config.sampling.gamma },
          )
        : await SOLVERS[solver](
            painted,
            start,
            (solver === 'ddim' ? trailingSchedule : noiseSchedule)(schedule as ScheduleName, steps, {
              ...config,
              sigma_max,
            }),
            options,
          )
    checkFinite(data)
    return { data, count, ...this.shape }
  }

  /** Sampling settings: those given, else the model's own. @throws UserError if they do not fit the model. */
  sampling(options: Partial<GenerateOptions>) {
    const { sampling, kind, network, vocabulary } = this.config
    const solver = options.solver ?? sampling.solver
    const recommended =
      options.image && kind === 'student'
        ? Math.max(EDITING_STEPS, sampling.num_inference_steps)
        : sampling.num_inference_steps
    const num_inference_steps = options.sigmas?.length ?? options.num_inference_steps ?? recommended
    const guidance_scale = options.guidance_scale ?? sampling.guidance_scale
    checkNumbers({ ...options, num_inference_steps, guidance_scale })
    if ((solver === 'consistency') !== (kind === 'student'))
      throw new UserError(
        kind === 'student'
          ? `this model is a consistency student: it is sampled with the solver consistency, not ${solver}`
          : 'this model is a diffusion model: choose the solver ddim, heun or dpmpp_2m',
        { exitCode: 2 },
      )
    if (options.schedule === 'lcm' && (kind === 'teacher' || num_inference_steps > 50))
      throw new UserError(
        kind === 'teacher'
          ? 'the schedule lcm is for students; a diffusion model has karras, ddim and linear'
          : 'the schedule lcm has 50 noise levels: there are no more steps',
        { exitCode: 2 },
      )
    if (kind === 'teacher' && (options.sigmas ?? options.gamma) !== undefined)
      throw new UserError('noise levels and gamma are for students; this model is a diffusion model', {
        exitCode: 2,
        remedy: 'choose --solver, --schedule and --steps',
      })
    if (kind === 'student' && guidance_scale !== 1 && !network.embedding.guidance_embedding)
      throw new UserError('this student has no guidance input: guidance was fixed when it was distilled', {
        exitCode: 2,
        remedy: 'leave out --guidance-scale',
      })
    const [least, most] = sampling.guidance_range ?? [0, Number.POSITIVE_INFINITY]
    if (guidance_scale < least || guidance_scale > most)
      throw new UserError(
        `this student learned guidance scales from ${least} to ${most}, and not ${guidance_scale}`,
        { exitCode: 2, remedy: 'choose one between them, or distil with a wider range' },
      )
    if (guidance_scale !== 1 && vocabulary.kind === 'none')
      throw new UserError(
        'this model was trained without prompts or classes: there is nothing to guide it by',
        {
          exitCode: 2,
          remedy: 'leave out --guidance-scale',
        },
      )
    if (kind === 'student' && options.negative_prompt && !network.embedding.guidance_embedding)
      throw new UserError(
        'this student has no guidance input, so there is nothing for a negative prompt to act on',
        {
          exitCode: 2,
          remedy: 'leave it out, or distil with a range of guidance: --guidance-scale 1-6',
        },
      )
    if (options.sigmas) checkSigmas(options.sigmas, this.config)
    checkEdit(options)
    const schedule = options.schedule ?? sampling.schedule
    return {
      solver,
      schedule,
      num_inference_steps,
      guidance_scale,
      nfe: this.evaluationsOf(solver, num_inference_steps, guidance_scale),
    }
  }

  /** Noise levels for a student's steps: by a schedule, or those stored in its config, else spaced by rule. */
  sigmas(steps: number, schedule?: ScheduleName | 'lcm'): readonly number[] {
    if (schedule === 'lcm') return lcmSigmas(steps, this.config)
    if (schedule) return noiseSchedule(schedule, steps, this.config).slice(0, -1)
    return this.config.sampling.sigmas[String(steps)] ?? multistepSigmas(steps, this.config)
  }

  evaluationsOf(solver: SolverName | 'consistency', steps: number, guidance_scale = 1): number {
    if (solver === 'consistency') return steps
    return evaluations(solver, steps) * (guidance_scale === 1 ? 1 : 2)
  }

  async release(): Promise<void> {
    await this.source.release()
  }
}
