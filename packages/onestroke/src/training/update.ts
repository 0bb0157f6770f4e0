/** Optimisers for parameters in this process's memory or on a device. */
import type { DeviceArray } from '@onestroke/core/tensor'

/** Flat arrays [P] that training reads and writes, by the names that an update's programs have for them. */
export interface UpdateState {
  readonly parameters: DeviceArray
  readonly gradient: DeviceArray
  readonly exp_avg: DeviceArray
  readonly exp_avg_sq: DeviceArray
  readonly ema: DeviceArray
  /** Moving average that gives a method's targets; absent where there is none. */
  readonly target?: DeviceArray
}

/** An optimiser with its arrays: `Optimizer`, in this process's memory, or programs of a runtime. All that it tells is numbers. */
export interface Update {
  /** Number of parameters. */
  readonly size: number
  readonly state: UpdateState
  /** Euclidean norm of the gradient. */
  gradientNorm(): number | Promise<number>
  /** Whether everything that training changes is a finite number. */
  isFinite(): boolean | Promise<boolean>
  /** Applies the gradient; see `Optimizer.step`. */
  step(step: number, learning_rate: number, ema_decay: number, gradient_norm: number): Promise<void>
  /** Moves the target towards the parameters: target ← mu·target + (1 − mu)·parameters. */
  updateTarget(mu: number): void | Promise<void>
  /** Takes as long as a step, and changes only the gradient: for timing. */
  rehearse(): Promise<void>
  release(): Promise<void>
}
