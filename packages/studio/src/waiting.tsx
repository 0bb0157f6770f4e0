/** What the page shows while a model loads, if it failed to load, or if there is none. */
import { exampleOf, type Manifest } from '@onestroke/core/pipeline'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Wanted } from './ask.js'
import { Button } from './controls.js'
import { type Loaded, loading, type Offer, readManifest } from './models.js'
import { Subject } from './prompt.js'
import { begin } from './state.js'

export const Waiting = ({ of: all }: { of: readonly Wanted[] }) => {
  const failed = all.filter(({ failure }) => failure !== undefined)
  if (failed.length > 0)
    return (
      <>
        {failed.map(({ name, failure, retry }) => (
          <p key={name} class="alert" role="alert">
            {name} does not load: {failure} <Button onClick={retry}>Try again</Button>
          </p>
        ))}
      </>
    )
  const name = all[0]?.name
  return name ? <Meanwhile key={name} name={name} /> : null
}

/** What can be said before the model is there: what to paint. */
const Meanwhile = ({ name }: { name: string }) => {
  const [manifest, setManifest] = useState<Manifest>()
  const section = useRef<HTMLElement>(null)
  useEffect(() => {
    let wanted = true
    // Why it does not come is said of the model itself.
    readManifest(name).then(
      (found) => {
        if (!wanted) return
        begin(exampleOf(found))
        setManifest(found)
      },
      () => {},
    )
    return () => {
      wanted = false
    }
  }, [name])
  // The view that takes this one's place has the same fields: who types goes on typing.
  useLayoutEffect(() => () => passFocus(section.current), [])
  if (!manifest) return null
  return (
    <section ref={section} class="controls" aria-label="What to paint">
      <Subject manifest={manifest} />
    </section>
  )
}

/** Moves the focus from a field to the one of the same label that is on the page soon. */
const passFocus = (from: HTMLElement | null): void => {
  const { activeElement } = document
  if (!(activeElement instanceof HTMLInputElement) || !from?.contains(activeElement)) return
  const label = activeElement.labels?.[0]?.textContent
  const { selectionStart, selectionEnd } = activeElement
  requestAnimationFrame(() => {
    const all = document.querySelectorAll<HTMLInputElement>('main input')
    const same = [...all].find(({ labels }) => labels?.[0]?.textContent === label)
    same?.focus()
    if (selectionStart !== null) same?.setSelectionRange(selectionStart, selectionEnd)
  })
}

/** How far models have come. */
export const Loading = () => {
  const all = Object.entries(loading.value)
  if (all.length === 0) return null
  return (
    <div class="loading" role="status">
      {all.map(([name, loaded]) => (
        <p key={name}>
          <label>
            {stageOf(name, loaded)}{' '}
            <progress
              value={isUnderWay(loaded) ? loaded.done / loaded.total : undefined}
              max={1}
              aria-valuetext={isUnderWay(loaded) ? percentOf(loaded) : undefined}
            />
          </label>{' '}
          {/* The bar tells it to those who listen. */}
          <span aria-hidden="true">{isUnderWay(loaded) && `${bytesOf(loaded)} (${percentOf(loaded)})`}</span>
        </p>
      ))}
    </div>
  )
}

const isUnderWay = ({ done, total }: Loaded): boolean => done > 0 && done < total

const stageOf = (name: string, { done, total }: Loaded): string => {
  if (done === 0) return `${name} is being prepared`
  return done < total ? `${name} is loading` : `${name} is being made ready`
}

const percentOf = ({ done, total }: Loaded): string => `${Math.floor((100 * done) / total)} %`

/** "2.1 of 9.2 MB" */
const bytesOf = ({ done, total }: Loaded): string => {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  return `${megabytes(done)} of ${megabytes(total)} MB`
}

/** Where there is no model: how to get one. It is shown as soon as it is there. */
export const NoModels = ({ places, demo }: NonNullable<Offer['start']>) => (
  <section class="quiet" aria-label="How to get a model">
    <p>There is no model here yet. This page shows one as soon as it is there.</p>
    <ul>
      {demo && (
        <li>
          <code>npx onestroke demo</code> makes one in a few minutes.
        </li>
      )}
      <li>
        <code>npx onestroke train DATA --out teacher</code> and then{' '}
        <code>npx onestroke distill teacher DATA --out student</code> make one from your pictures, or from
        emoji (<code>iconify:fluent-emoji-flat</code>).
      </li>
      <li>
        A model folder, or one that <code>onestroke export</code> wrote, is found in{' '}
        {places.map((place, i) => (
          <>
            {i > 0 && (i === places.length - 1 ? ' or ' : ', ')}
            <code>{place}</code>
          </>
        ))}
        . The project’s repository has some in its folder <code>models</code>.
      </li>
      <li>
        <code>npx onestroke studio MODEL</code> shows one from anywhere else.
      </li>
    </ul>
  </section>
)
