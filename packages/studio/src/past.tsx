/** What was painted in this visit: small pictures, the newest first. A click brings one back with all that it was painted with. */
import { signal } from '@preact/signals'
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
  if (past.value.some((one) => one.asked === asked)) return
  // Settings that do not act, such as the other end of a way that nobody has gone, change no picture.
  const [latest, ...older] = past.value
  const others = latest && isSame(latest.image, image) ? older : past.value
  past.value = [{ image, asked, title }, ...others].slice(0, MOST)
}

const isSame = (one: ImageData, other: ImageData): boolean =>
  one.data.length === other.data.length && one.data.every((value, i) => value === other.data[i])

export const PastPictures = () => (
  <section class="past" aria-labelledby="past">
    <h2 id="past">History</h2>
    {past.value.length === 0 ? (
      <p class="hint">What you paint in this visit stays here.</p>
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
