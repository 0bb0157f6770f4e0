/** Models that several elements share, for as long as one of them is there. */
import type { WebModel } from './model.js'

interface Shared {
  readonly model: Promise<WebModel>
  users: number
  /** Whether the model failed to load, or has ended. */
  over(): boolean
}

/** Somebody's part in a model. */
export interface Share extends Pick<Shared, 'model' | 'over'> {
  readonly key: string
  /** Releases the model, unless another element takes it soon. */
  letGo(): void
}

/** Milliseconds that a model is kept after its last element has gone, because another one often follows. */
const KEPT = 10_000

const models = new Map<string, Shared>()

/** @param open loads the model if no other element has. */
export const share = (key: string, open: () => Promise<WebModel>): Share => {
  const known = models.get(key)
  const shared = known && !known.over() ? known : opened(open())
  models.set(key, shared)
  shared.users++
  const { model, over } = shared
  return {
    key,
    model,
    over,
    letGo() {
      shared.users--
      setTimeout(() => {
        if (shared.users > 0) return
        if (models.get(key) === shared) models.delete(key)
        model.then((model) => model.release()).catch(() => {})
      }, KEPT)
    },
  }
}

const opened = (model: Promise<WebModel>): Shared => {
  let over = () => false
  model.then(
    (model) => {
      over = () => model.ended
    },
    () => {
      over = () => true
    },
  )
  return { model, users: 0, over: () => over() }
}
