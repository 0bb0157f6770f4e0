/** Optimisers as programs of a runtime, and the choice between them and WebAssembly. */
import {
  adamStep,
  compileMuon,
  finiteProgram,
  gradientNormProgram,
  type Layout,
  type OptimizerOptions,
  targetProgram,
  updateProgram,
} from '@onestroke/core/nn'
import type { DeviceArray, Executable, Program, Runtime } from '@onestroke/core/tensor'
import { Optimizer } from './optimizer.js'
import type { Update, UpdateState } from './update.js'

/** The optimiser for a runtime: in WebAssembly if its arrays lie in this process's memory, else as programs. */
export const optimizerFor = async (
  layout: Layout,
  options: OptimizerOptions,
  runtime: Runtime,
  { target = false }: { target?: boolean } = {},
): Promise<Update> => {
  if (runtime.memory === 'device') return ProgramOptimizer.compile(layout, options, runtime, { target })
  const muon = options.optimizer === 'muon' ? await compileMuon(layout, runtime) : undefined
  return new Optimizer(layout.size, options, { target, muon })
}

/** An optimiser whose every step is a program of a runtime: its arrays never leave it. For runtimes with a memory of their own. */
class ProgramOptimizer implements Update {
  constructor(
    readonly options: OptimizerOptions,
    readonly state: UpdateState,
    readonly programs: Readonly<Record<'norm' | 'finite' | 'update', Executable>> & {
      readonly target?: Executable
    },
  ) {}

  static async compile(
    layout: Layout,
    options: OptimizerOptions,
    runtime: Runtime,
    { target }: { target: boolean },
  ): Promise<ProgramOptimizer> {
    const { size } = layout
    const array = () => runtime.hold(new Float32Array(size))
    const state: UpdateState = {
      parameters: array(),
      gradient: array(),
      exp_avg: array(),
      exp_avg_sq: array(),
      ema: array(),
      target: target ? array() : undefined,
    }
    const names = Object.entries(state).flatMap(([name, one]: [string, DeviceArray | undefined]) =>
      one ? [[name, one] as const, [`next_${name}`, one] as const] : [],
    )
    const compile = (program: Program) => runtime.compile(program, { state: Object.fromEntries(names) })
    return new ProgramOptimizer(options, state, {
      norm: await compile(gradientNormProgram(size)),
      finite: await compile(finiteProgram(size)),
      update: await compile(updateProgram(layout, options)),
      target: target ? await compile(targetProgram(size)) : undefined,
    })
  }

  get size(): number {
    return this.state.parameters.size
  }

  async gradientNorm() {
    const { gradient_norm } = await this.programs.norm.run({})
    return gradient_norm![0]!
  }

  async isFinite() {
    const { finite } = await this.programs.finite.run({})
    return finite![0] === 1
  }

  async step(step: number, learning_rate: number, ema_decay: number, gradient_norm: number) {
    await this.#update(1, step, learning_rate, ema_decay, gradient_norm)
  }

  async updateTarget(mu: number) {
    await this.programs.target?.run({ blend: Float32Array.of(1 - mu) })
  }

  async rehearse() {
    await this.#update(0, 1, 0, 1, 1)
  }

  async release() {
    for (const program of Object.values(this.programs)) await program?.release()
    for (const array of Object.values(this.state) as (DeviceArray | undefined)[]) await array?.release()
  }

  async #update(apply: 0 | 1, step: number, learning_rate: number, ema_decay: number, gradient_norm: number) {
    const { shrink, rate, root, eps, adaptive } = adamStep(step, learning_rate, this.options)
    await this.programs.update.run({
      apply: Float32Array.of(apply),
      gradient_norm: Float32Array.of(gradient_norm),
      learning_rate: Float32Array.of(learning_rate),
      shrink: Float32Array.of(shrink),
      rate: Float32Array.of(rate),
      root: Float32Array.of(root),
      eps: Float32Array.of(eps),
      adaptive: Float32Array.of(adaptive ? 1 : 0),
      blend: Float32Array.of(1 - ema_decay),
    })
  }
}
