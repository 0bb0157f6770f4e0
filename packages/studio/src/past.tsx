/** What was painted in this tab: small pictures, the newest first. A click brings one back with all that it was painted with. */
import { effect, signal } from '@preact/signals'
import { rgbFromBase64, rgbToBase64 } from './base64.js'
import { Picture } from './picture.js'
import { askAgain, pictureNow } from './state.js'

/** What a picture was asked for with. */
export interface Asked {
  /** Its prompt, seed, settings and model; see `pictureNow`. */
  readonly asked: string
  /** The same in a few words. */
  readonly title: string
}

interface Past extends Asked {
  readonly image: ImageData
}

/** Older pictures are forgotten. */
const MOST = 24

const past = signal<readonly Past[]>([])

/** Keeps a picture as it was asked for, unless it is there. */
export const keepPast = (image: ImageData, { asked, title }: Asked): void => {
  if (past.value.some((one) => one.asked === asked && isSame(one.image, image))) return
  // A model that was trained again makes another picture of the same wish.
  const different = past.value.filter((one) => one.asked !== asked)
  // Settings without effect, such as the other end of an interpolation at 0, change no picture.
  const [latest, ...older] = different
  const others = latest && isSame(latest.image, image) ? older : different
  past.value = [{ image, asked, title }, ...others].slice(0, MOST)
}

const isSame = (one: ImageData, other: ImageData): boolean =>
  one.data.length === other.data.length && one.data.every((value, i) => value === other.data[i])

const KEY = 'history'

interface Kept extends Asked {
  readonly width: number
  readonly height: number
  /** RGB in base64. */
  readonly picture: string
}

/** Takes up the pictures that this tab has kept, and keeps them from now on: they stay when the page is loaded again. */
export const keepHistory = (): void => {
  takeUp()
  let isFirst = true
  effect(() => {
    const all = past.value
    if (isFirst) isFirst = false
    else keep(all)
  })
}

/** Removes the oldest pictures if the storage is full. */
const keep = (all: readonly Past[]): void => {
  const texts = all.map(({ image, asked, title }) => {
    const { width, height } = image
    return JSON.stringify({ asked, title, width, height, picture: rgbToBase64(image.data) } satisfies Kept)
  })
  for (; texts.length > 0; texts.length = Math.floor(texts.length / 2))
    try {
      sessionStorage.setItem(KEY, `[${texts.join()}]`)
      return
    } catch {
      // Browsers that keep nothing for a page throw for any number of them.
    }
}

const takeUp = (): void => {
  try {
    const all = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as Kept[]
    past.value = all.flatMap(({ asked, title, width, height, picture }) => {
      const pixels = rgbFromBase64(picture, width * height)
      return pixels ? [{ asked, title, image: new ImageData(pixels, width, height) }] : []
    })
  } catch {
    // It was written by another version, or there is nothing to read from.
  }
}

export const PastPictures = () => (
  <section class="past" aria-labelledby="past">
    <h2 id="past">History</h2>
    {past.value.length === 0 ? (
      <p class="hint">What you paint in this tab stays here.</p>
    ) : (
      <ul>
        {past.value.map(({ image, asked, title }) => (
          <li key={asked}>
            <button
              type="button"
              class="tile"
              title={title}
              aria-current={asked === pictureNow() ? 'true' : undefined}
              onClick={() => askAgain(asked)}
            >
              <Picture image={image} alt={`${title}: bring it back`} />
            </button>
          </li>
        ))}
      </ul>
    )}
  </section>
)
