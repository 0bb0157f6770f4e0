/** Pictures that follow a slider. */
import type { WebGenerateOptions, WebModel } from '@onestroke/core/web'

/** Milliseconds: of the model alone, and from the wish to the picture. */
export interface Took {
  readonly model: number
  readonly page: number
  /** Steps that it took. */
  readonly steps: number
}

interface Wish<About> {
  readonly options: WebGenerateOptions
  readonly about: About
  /** When it was asked for, by `performance.now`. */
  readonly since: number
}

/**
 * Paints the latest of what is asked for. Once stopped, it shows nothing more: what another model has painted meanwhile
 * stays.
 *
 * @param show given each picture, with what was told about it when it was asked for.
 * @param say told what went wrong, or '' after a picture.
 * @param work told `true` when a picture is asked for, and `false` when the latest one is there, or failed.
 */
export const livePainter = <About>(
  model: WebModel,
  show: (image: ImageData, took: Took, about: About) => void,
  say: (note: string) => void,
  work: (busy: boolean) => void,
): { paint(options: WebGenerateOptions, about: About): void; stop(): void } => {
  const controller = new AbortController()
  const { signal } = controller
  const paint = async ({ options, about, since }: Wish<About>) => {
    try {
      for await (const { images, milliseconds, step, last } of model.stream({ ...options, signal }))
        if (last)
          show(images[0]!, { model: milliseconds, page: performance.now() - since, steps: step }, about)
      say('')
    } catch (error) {
      if (!signal.aborted) say((error as Error).message)
    }
  }
  const next = latest(paint, () => {
    if (!signal.aborted) work(false)
  })
  return {
    paint(options, about) {
      work(true)
      next({ options, about, since: performance.now() })
    },
    stop: () => controller.abort(),
  }
}

/**
 * Runs `work` for the latest of what it is given: while one runs, newer ones take each other's place, so that what is
 * shown is never more than one run behind. `work` must not fail.
 *
 * @param onIdle called when the latest has been done.
 */
export const latest = <T>(work: (what: T) => Promise<void>, onIdle = () => {}): ((what: T) => void) => {
  let waiting: { what: T } | undefined
  let busy = false
  const go = async () => {
    busy = true
    while (waiting) {
      const { what } = waiting
      waiting = undefined
      await work(what)
    }
    busy = false
    onIdle()
  }
  return (what) => {
    waiting = { what }
    if (!busy) void go()
  }
}
