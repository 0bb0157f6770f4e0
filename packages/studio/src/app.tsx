/** The page: its head, its views, and what it says when something is missing. */
import { useEffect } from 'preact/hooks'
import { Compare } from './compare.js'
import { Draw } from './draw.js'
import { cannotStart, offer, readOffer, trouble } from './models.js'
import { Paint } from './paint.js'
import { modelName, steps, theme, VIEWS, type View, view } from './state.js'
import { Train } from './train.js'
import { Loading, NoModels } from './waiting.js'

const TITLES: Readonly<Record<View, string>> = {
  paint: 'Paint',
  compare: 'Compare',
  draw: 'Draw',
  train: 'Train',
}
const PAGES = { paint: Paint, compare: Compare, draw: Draw, train: Train }

export const App = () => {
  useEffect(() => {
    void readOffer()
  }, [])
  const views = VIEWS.filter((one) => one !== 'train' || offer.value?.runs)
  const shown = views.includes(view.value) ? view.value : 'paint'
  const Page = PAGES[shown]
  useEffect(() => {
    document.title = `${TITLES[shown]} · onestroke studio`
  }, [shown])
  const start = shown === 'train' ? undefined : offer.value?.start
  return (
    <>
      <header>
        <h1>
          <svg viewBox="0 0 132 20" aria-hidden="true">
            <path
              fill="currentColor"
              d="M2 12.5C18 6.5 44 3 74 4.2c22 .9 40 2.6 56 1.2-8 3.2-20 4.4-34 4.900C66 11.500 34 12 8 17.400c-4 .8-8-3.600-6-4.900z"
            />
          </svg>
          onestroke <span>studio</span>
        </h1>
        <nav aria-label="Views">
          {views.map((one) => (
            <button
              key={one}
              type="button"
              aria-current={shown === one ? 'page' : undefined}
              onClick={() => {
                view.value = one
              }}
            >
              {TITLES[one]}
            </button>
          ))}
        </nav>
        <ModelChoice />
        <button
          type="button"
          class="theme"
          aria-label={`Colours: ${theme.value || 'as the system’s'}; change`}
          onClick={() => {
            theme.value = theme.value === '' ? 'dark' : theme.value === 'dark' ? 'light' : ''
          }}
        >
          <span aria-hidden="true">{theme.value === 'dark' ? '☾' : theme.value === 'light' ? '☀' : '◐'}</span>
        </button>
      </header>
      <main>
        {cannotStart.value && (
          <p class="alert" role="alert">
            {cannotStart.value}
          </p>
        )}
        {trouble.value && (
          <p class="alert" role="alert">
            {trouble.value}{' '}
            <button
              type="button"
              onClick={() => {
                trouble.value = undefined
              }}
            >
              Close
            </button>
          </p>
        )}
        <Loading />
        {start ? (
          <NoModels {...start} />
        ) : offer.value ? (
          <Page />
        ) : (
          !cannotStart.value && <p class="quiet">Starting…</p>
        )}
      </main>
    </>
  )
}

const ModelChoice = () => {
  const models = offer.value?.models ?? []
  if (models.length < 2) return null
  return (
    <label class="model">
      <span class="hidden">Model</span>
      <select
        value={modelName.value}
        onChange={({ currentTarget }) => {
          modelName.value = currentTarget.value
          steps.value = 0
        }}
      >
        {models.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
