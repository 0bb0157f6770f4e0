/** Curves over the pictures seen. */
import {
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  Tooltip,
} from 'chart.js'
import { useEffect, useRef } from 'preact/hooks'
import { theme } from './state.js'

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, Tooltip, Legend)

export interface Series {
  readonly name: string
  /** A colour of the page's style sheet. */
  readonly tone: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

/** A colour of the page's style sheet, as it is now. */
const toned = (name: string): string => {
  const probe = document.createElement('span')
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

export const Curve = ({
  title,
  label,
  series,
}: {
  title: string
  label: string
  series: readonly Series[]
}) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const chart = useRef<Chart<'line', { x: number; y: number }[]> | undefined>(undefined)
  // Errors of derivatives may be negative.
  const linear = series.some(({ points }) => points.some(({ y }) => y <= 0))
  useEffect(
    () => () => {
      chart.current?.destroy()
      chart.current = undefined
    },
    [theme.value, linear],
  )
  useEffect(() => {
    const datasets = series.map(({ name, tone, points }) => ({
      label: name,
      data: [...points],
      borderColor: toned(tone),
      backgroundColor: toned(tone),
      borderWidth: 2,
      pointRadius: points.length > 40 ? 0 : 3,
    }))
    if (chart.current) {
      chart.current.data.datasets = datasets
      chart.current.update()
      return
    }
    const axis = (text: string) => ({
      title: { display: true, text, color: toned('muted') },
      ticks: {
        color: toned('muted'),
        maxTicksLimit: 7,
        callback: (value: string | number) => compact.format(Number(value)),
      },
      grid: { color: toned('grid') },
    })
    chart.current = new Chart(canvas.current!, {
      type: 'line',
      data: { datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: {
          x: { type: 'linear', ...axis('pictures seen') },
          y: { type: linear ? 'linear' : 'logarithmic', ...axis(label) },
        },
        plugins: { legend: { display: series.length > 1, labels: { color: toned('text') } } },
      },
    })
  }, [series, theme.value, linear])
  const last = series
    .map(({ name, points }) => (points.length > 0 ? `${name}: ${compact.format(points.at(-1)!.y)}` : ''))
    .filter(Boolean)
  return (
    <figure class="curve">
      <figcaption>
        <strong>{title}</strong>
        <span>{last.length > 0 ? `now ${last.join(', ')}` : 'nothing yet'}</span>
      </figcaption>
      <div>
        <canvas ref={canvas} role="img" aria-label={`${title}; ${last.join(', ')}`} />
      </div>
    </figure>
  )
}
