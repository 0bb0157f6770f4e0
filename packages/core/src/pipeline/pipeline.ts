/** From noise and prompts to pictures: everything about sampling but what runs the denoiser. */
import { HALVES } from '../autoencoder/index.js'
import { flowMapEnds, lcmSigmas, multistep, multistepSigmas, slerp } from '../consistency/index.js'
import {
  type DenoiseFunction,
  noiseSchedule,
  type ScheduleName,
  SOLVERS,
  type SolverOptions,
  trailingSchedule,
} from '../diffusion/index.js'
import { type PictureShape, sizeOf } from '../picture/index.js'
import { Random, STREAM } from '../random/index.js'
import { type Codec, codecOf } from '../space/index.js'
import type { Executable } from '../tensor/index.js'
import {
  asNegative,
  type Conditioner,
  conditionerOf,
  type PromptArrays,
  type Reading,
  takesPrompts,
} from '../text/index.js'
import { checkFinite, seedsFrom } from './checks.js'
import { promptsFor } from './dense-graph.js'
import { between, checkEditSizes, checkWeights, editOf, keepUnmasked, maskOfPoints } from './edit.js'
import type { GraphName } from './graphs.js'
import type { GenerateOptions, PipelineConfig, StepSpacing } from './options.js'
import { checkPrompt, samplingOf, shapeOf } from './settings.js'

/** What runs a model's graphs. */
export interface GraphSource {
  /** One of its graphs, for batches of a size. Called each time that it is needed. */
  executable(graph: GraphName, batch: number): Promise<Executable>
  /** Weights to feed with each run of the denoiser, where they are not part of the executable. */
  weights?(): Readonly<Record<string, Float32Array>>
  release(): Promise<void>
}

/** What is asked for in words. */
type Prompts = Pick<GenerateOptions, 'prompts' | 'negative_prompt' | 'to'>

/** The network's inputs for the prompts of a batch, and for what guidance leads away from. */
interface Encoded {
  readonly batch: number
  readonly prompt: PromptArrays
  negative(): PromptArrays
}

/** Pictures [count, channels, height, width] in [-1, 1], not clipped, but finite. */
export interface Generated extends PictureShape {
  readonly data: Float32Array
  readonly count: number
}

export class Pipeline<Config extends PipelineConfig = PipelineConfig> {
  readonly conditioner: Conditioner
  readonly #promptsOf: (encoded: PromptArrays) => PromptArrays

  constructor(
    readonly config: Config,
    readonly source: GraphSource,
    readonly codec: Codec = codecOf(config.space, shapeOf(config), async (half, values, batch) => {
      const { input, output } = HALVES[half]
      return (await (await source.executable(half, batch)).run({ [input]: values }))[output]!
    }),
  ) {
    this.conditioner = conditionerOf(config.vocabulary)
    this.#promptsOf = promptsFor(config)
  }

  /** What each of its pictures looks like in memory. */
  get shape(): PictureShape {
    return this.codec.picture
  }

  /** Numbers of one picture: channels · height · width. */
  get pictureSize(): number {
    return sizeOf(this.shape)
  }

  /** Unit Gaussian noise number first … first + count − 1 of a seed, for one step: [count, …] of points. Number 0 makes its picture. */
  noise(seed: number, first: number, count: number, step = 0): Float32Array {
    const size = sizeOf(this.codec.shape)
    const out = new Float32Array(count * size)
    for (let i = 0; i < count; i++)
      new Random({ seed, stream: STREAM.sample, step, index: first + i }).fillNormal(
        out.subarray(i * size, (i + 1) * size),
      )
    return out
  }

  /** The noise that makes each seed's picture. */
  #noiseOf(seeds: readonly number[], step: number): Float32Array {
    const size = sizeOf(this.codec.shape)
    const out = new Float32Array(seeds.length * size)
    for (const [i, seed] of seeds.entries()) out.set(this.noise(seed, 0, 1, step), i * size)
    return out
  }

  /**
   * The network's inputs for a batch of prompts, and for what guidance leads away from. Each prompt is read once.
   *
   * @throws UserError if the model cannot take a prompt.
   */
  #encode({ prompts, to, negative_prompt = '' }: Prompts): Encoded {
    const { conditioner } = this
    const known = new Map<string, Reading>()
    const read = (prompt: string, what?: string): Reading => {
      const before = known.get(prompt)
      if (before) return before
      checkPrompt(conditioner, prompt, what)
      const reading = conditioner.read(prompt)
      known.set(prompt, reading)
      return reading
    }
    const here = prompts.map((prompt) => read(prompt))
    const there = to?.prompt === undefined ? undefined : read(to.prompt, 'to.prompt')
    const negative = read(negative_prompt, 'negative_prompt')
    if (there) checkWeights(to!.weights, prompts.length)
    const prompt = there
      ? here.map((reading, i) => conditioner.between(reading, there, to!.weights[i]!))
      : here
    return {
      batch: prompts.length,
      prompt: this.#promptsOf(conditioner.encode(prompt)),
      negative: () => this.#promptsOf(conditioner.encode(prompts.map(() => negative))),
    }
  }

  /**
   * D(x; σ) of points for a batch with the given prompts, as `multistep` takes it. Two network evaluations a call where
   * guidance asks for them.
   *
   * @throws UserError if the model cannot take a prompt.
   */
  async denoiser(
    prompts: readonly string[],
    options: Omit<Prompts, 'prompts'> & Pick<GenerateOptions, 'guidance_scale'> = {},
  ): Promise<DenoiseFunction> {
    return this.#denoiser(this.#encode({ ...options, prompts }), options.guidance_scale)
  }

  async #denoiser({ batch, prompt, negative }: Encoded, guidance_scale = 1): Promise<DenoiseFunction> {
    const executable = await this.source.executable('denoiser', batch)
    const weights = this.source.weights?.() ?? {}
    const { guidance_embedding, jump_embedding } = this.config.network.embedding
    const guidance = guidance_embedding && {
      guidance_scale: new Float32Array(batch).fill(guidance_scale),
      ...asNegative(negative()),
    }
    const run = async (x: Float32Array, sigma: number, s: number, told: PromptArrays) => {
      const inputs = {
        ...weights,
        x,
        sigma: new Float32Array(batch).fill(sigma),
        ...told,
        ...guidance,
        ...(jump_embedding && { s: new Float32Array(batch).fill(s) }),
      }
      return (await executable.run(inputs)).denoised!
    }
    const { sigma_min } = this.config
    const isGuided = guidance_scale !== 1 && !guidance_embedding && takesPrompts(this.config.vocabulary)
    const other = isGuided ? negative() : undefined
    const denoise: DenoiseFunction = async (x, sigma, s = sigma_min) => {
      const toward = await run(x, sigma, s, prompt)
      if (!other) return toward
      const away = await run(x, sigma, s, other)
      return toward.map((value, i) => away[i]! + guidance_scale * (value - away[i]!))
    }
    return jump_embedding ? flowMapEnds(denoise, this.config) : denoise
  }

  /**
   * Paints one picture per prompt.
   *
   * @throws UserError if the model cannot take a prompt, or settings do not fit it, see `samplingOf`; NotFiniteError if what it paints is no picture.
   */
  async generate(options: GenerateOptions): Promise<Generated> {
    const { codec } = this
    const { onStep, image, mask } = options
    const count = options.prompts.length
    const shown: SolverOptions = {
      onStep:
        onStep &&
        (async (step, x, denoised) =>
          onStep(step, x, codec.preview(denoised) ?? (await codec.decode(denoised)))),
    }
    const data = await codec.decode(await this.points({ ...options, ...shown }))
    checkFinite(data)
    if (image && mask && !codec.exact) keepUnmasked(data, image, mask, this.shape)
    return { data, count, ...this.shape }
  }

  /**
   * The points of the pictures that `generate` paints: [count, …]. `onStep` is shown points as well.
   *
   * @throws UserError, see `generate`.
   */
  async points(options: GenerateOptions): Promise<Float32Array> {
    const { prompts, to, signal, image, mask, onStep } = options
    const { config, codec } = this
    const encoded = this.#encode(options)
    const { solver, num_inference_steps: steps, schedule, guidance_scale } = samplingOf(config, options)
    const evaluate = await this.#denoiser(encoded, guidance_scale)
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
    checkEditSizes(options, count, this.shape)
    const edit = editOf(
      {
        ...options,
        image: image && (await codec.encode(image)),
        mask: mask && maskOfPoints(mask, codec),
      },
      count,
      codec.shape,
      config,
    )
    const how: SolverOptions = { onStep }
    const sigma_max = edit?.sigma ?? config.sigma_max
    const painted = edit?.keep(denoise) ?? denoise
    const start = edit?.start(noise(0), sigma_max) ?? noise(0).map((value) => value * sigma_max)
    if (solver === 'consistency')
      return multistep(
        painted,
        start,
        edit?.sigmas(steps) ?? options.sigmas ?? this.sigmas(steps, options.schedule),
        config,
        noise,
        { ...how, gamma: options.gamma ?? config.sampling.gamma },
      )
    const spaced = solver === 'ddim' ? trailingSchedule : noiseSchedule
    const levels = spaced(schedule as ScheduleName, steps, { ...config, sigma_max })
    return SOLVERS[solver].sample(painted, start, levels, how)
  }

  /** Noise levels for a student's steps: by a schedule, or those stored in its config, else spaced by rule. */
  sigmas(steps: number, schedule?: StepSpacing): readonly number[] {
    if (schedule === 'lcm') return lcmSigmas(steps, this.config)
    if (schedule) return noiseSchedule(schedule, steps, this.config).slice(0, -1)
    return this.config.sampling.sigmas[String(steps)] ?? multistepSigmas(steps, this.config)
  }

  async release(): Promise<void> {
    await this.source.release()
  }
}
