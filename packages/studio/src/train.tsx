/** Train: a run as it goes, its loss, its quality, and its pictures through time. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { seconds } from './ask.js'
import { Button } from './controls.js'
import { Curve, type Series } from './curve.js'
import { paintWithRun } from './models.js'
import { run } from './state.js'

interface Summary {
  readonly name: string
  readonly command: string
  readonly method: string
  readonly data: string
  readonly finished: boolean
  /** A process works on it. */
  readonly running: boolean
  readonly changed: number
}
interface Details extends Summary {
  readonly batch: number
  readonly progress: {
    readonly step: number
    readonly images: number
    readonly seconds: number
    readonly quarantined: number
    readonly log: readonly { readonly images: number; readonly loss: number }[]
    readonly checks: readonly { readonly images: number; readonly fid: Readonly<Record<string, number>> }[]
  } | null
  /** There is progress that cannot be read, or none though the run is done. */
  readonly damaged: boolean
  readonly report: boolean
  readonly samples: readonly string[]
}

/** Milliseconds between two looks. */
const EVERY = 2500

/** What an address tells, asked again and again; an error is kept until it works again. */
const useFollowed = <T,>(address: string | undefined): { found?: T; error?: string } => {
  const [state, setState] = useState<{ found?: T; error?: string }>({})
  useEffect(() => {
    setState({})
    if (address === undefined) return
    let timer: ReturnType<typeof setTimeout>
    const controller = new AbortController()
    const look = async () => {
      try {
        const response = await fetch(address, { signal: controller.signal })
        const answer = await response.json()
        setState((before) => (response.ok ? { found: answer } : { ...before, error: answer.error }))
      } catch (error) {
        if (controller.signal.aborted) return
        setState((before) => ({ ...before, error: `No answer: ${(error as Error).message}` }))
      }
      timer = setTimeout(look, EVERY)
    }
    void look()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [address])
  return state
}

export const Train = () => {
  const { found, error } = useFollowed<{ runs: readonly Summary[] }>('api/runs')
  const runs = found?.runs ?? []
  const newest = runs[0]?.name
  const name = run.value || newest
  // Stays with the shown training when another one makes progress.
  useEffect(() => {
    if (run.value === '' && newest !== undefined) run.value = newest
  }, [newest, run.value])
  if (!found) return error ? <Failure text={error} /> : <p class="quiet">Looking for trainings…</p>
  if (!name)
    return (
      <p class="quiet">
        There is no training here yet. Start one with <code>onestroke train</code> or{' '}
        <code>onestroke distill</code>, and name the folder it is in:{' '}
        <code>onestroke studio --runs FOLDER</code>.
      </p>
    )
  return (
    <div class="train">
      {error && <Failure text={error} />}
      <label class="field">
        <span>Training</span>
        <select
          value={name}
          onChange={({ currentTarget }) => {
            run.value = currentTarget.value
          }}
        >
          {runs.map(({ name, method, finished }) => (
            <option key={name} value={name}>
              {name} ({method}
              {finished ? ', done' : ''})
            </option>
          ))}
        </select>
      </label>
      <Run key={name} name={name} />
    </div>
  )
}

const Failure = ({ text }: { text: string }) => (
  <p class="alert" role="alert">
    {text}
  </p>
)

const Run = ({ name }: { name: string }) => {
  const { found, error } = useFollowed<Details>(`api/runs/${encodeURIComponent(name)}`)
  const progress = found?.progress
  const [loss, quality] = useMemo((): [Series[], Series[]] => {
    const tones = ['student', 'heun', 'ddim']
    return [
      [
        {
          name: 'loss',
          tone: 'student',
          points: (progress?.log ?? []).map(({ images, loss }) => ({ x: images, y: loss })),
        },
      ],
      Object.keys(progress?.checks[0]?.fid ?? {}).map((steps, i) => ({
        name: steps === '1' ? '1 step' : `${steps} steps`,
        tone: tones[i % tones.length]!,
        points: progress!.checks.map(({ images, fid }) => ({ x: images, y: fid[steps]! })),
      })),
    ]
  }, [progress?.log.length, progress?.checks.length])
  if (!found) return error ? <Failure text={error} /> : <p class="quiet">Reading {name}…</p>
  if (!progress && found.damaged)
    return (
      <>
        <Failure text={`progress.json of ${name} is damaged or missing, so there are no curves.`} />
        {found.finished && <Finished name={name} report={found.report} />}
        <Samples name={name} samples={found.samples} />
      </>
    )
  if (!progress) return <p class="quiet">{name} has begun, and tells more at its first checkpoint.</p>
  const seen = Math.min(progress.images, progress.step * found.batch)
  const share = progress.images > 0 ? seen / progress.images : 0
  const rate = progress.seconds > 0 ? seen / progress.seconds : 0
  const left = rate > 0 ? (progress.images - seen) / rate : 0
  return (
    <>
      {error && <Failure text={error} />}
      <p class="facts">
        <strong>
          {found.finished ? 'Done' : found.running ? 'Running' : 'Stopped'}: {Math.round(100 * share)} %
        </strong>{' '}
        of {progress.images.toLocaleString('en')} pictures, {rate.toFixed(0)} a second, {found.command} with{' '}
        {found.method} on {found.data}
        {found.running && left > 0 && `, ${left < 90 ? seconds(left) : `${Math.round(left / 60)} min`} left`}
        {!found.running && !found.finished && ' (the command that started it goes on with it)'}
        {progress.quarantined > 0 && ` · ${progress.quarantined} pictures left out, whose loss was no number`}
      </p>
      <progress value={share} max={1} aria-label="Progress" />
      {found.finished && <Finished name={name} report={found.report} />}
      <div class="curves">
        <Curve title="Loss" label="loss" series={loss} />
        {quality.length > 0 && <Curve title="Quality on the way" label="Fréchet distance" series={quality} />}
      </div>
      <Samples name={name} samples={found.samples} />
    </>
  )
}

/** Links of a finished training: its report, and painting with it. */
const Finished = ({ name, report }: { name: string; report: boolean }) => {
  const [failure, setFailure] = useState('')
  const [busy, setBusy] = useState(false)
  const paintWithIt = async () => {
    setBusy(true)
    setFailure('')
    await paintWithRun(name).catch((error: Error) => setFailure(error.message))
    setBusy(false)
  }
  return (
    <>
      <div class="row">
        <Button disabled={busy} onClick={paintWithIt}>
          {busy ? 'Preparing the model…' : 'Paint with it'}
        </Button>
        {report && (
          <a
            class="button"
            href={`api/runs/${encodeURIComponent(name)}/report`}
            target="_blank"
            rel="noopener"
          >
            Report
          </a>
        )}
      </div>
      {failure && <Failure text={failure} />}
    </>
  )
}

const Samples = ({ name, samples }: { name: string; samples: readonly string[] }) => {
  const [at, setAt] = useState<number>()
  if (samples.length === 0) return <p class="quiet">Pictures come with the first checkpoint.</p>
  const index = Math.min(at ?? samples.length - 1, samples.length - 1)
  const images = Number.parseInt(samples[index]!, 10)
  return (
    <figure class="samples">
      <figcaption>
        <strong>Samples</strong>
        <span>after {images.toLocaleString('en')} pictures</span>
      </figcaption>
      <img
        src={`api/runs/${encodeURIComponent(name)}/samples/${samples[index]}`}
        alt={`Samples after ${images} pictures`}
      />
      <input
        type="range"
        min={0}
        max={samples.length - 1}
        value={index}
        aria-label="Through time"
        aria-valuetext={`${images} pictures`}
        onInput={({ currentTarget }) => {
          const value = currentTarget.valueAsNumber
          // At the end it stays at the end, as new ones come.
          setAt(value === samples.length - 1 ? undefined : value)
        }}
      />
    </figure>
  )
}
