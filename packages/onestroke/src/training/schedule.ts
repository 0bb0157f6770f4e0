export interface ScheduleOptions {
  learning_rate: number
  /** Share of the training over which the rate rises linearly from 0. */
  warmup: number
  /** Share of the training over which it falls along a half cosine to 0 at the end. */
  decay: number
  /** The moving average forgets half of what it held after so many pictures. */
  ema_half_life: number
}

/** Learning rate at `progress` ∈ [0, 1]. */
export const learningRate = (progress: number, { learning_rate, warmup, decay }: ScheduleOptions): number => {
  if (progress < warmup) return (learning_rate * progress) / warmup
  if (decay > 0 && progress > 1 - decay)
    return learning_rate * 0.5 * (1 + Math.cos((Math.PI * (progress - 1 + decay)) / decay))
  return learning_rate
}

/**
 * Share of the moving average that stays over one batch, after `images` pictures. The half-life is at most a twentieth
 * of what was seen, so that the average forgets the start (Karras et al. 2022, training code: ema_rampup_ratio).
 */
export const emaDecay = (images: number, batch: number, { ema_half_life }: ScheduleOptions): number =>
  0.5 ** (batch / Math.max(Math.min(ema_half_life, images * 0.05), 1e-8))
