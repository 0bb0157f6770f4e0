/** The page's one script of its own: draws the plots of plots.ts with Chart.js. Plain JavaScript, read by a browser. */
export const client = `
'use strict'
{
  const plots = JSON.parse(document.getElementById('plots').textContent)
  const shapes = { student: 'circle', ddim: 'triangle', heun: 'rectRot', other: 'rect', quiet: 'line' }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()
  const font = { family: getComputedStyle(document.body).fontFamily, size: 12 }
  const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
  const short = (v) => (v !== 0 && Math.abs(v) < 1e-3 ? v.toExponential(0) : compact.format(v))

  /* Leaves out ticks whose labels would touch those before; the last one stays. */
  const apart = (scale, ticks, { log, min, max }) => {
    const { ctx, width, height } = scale.chart
    const across = scale.isHorizontal()
    const length = across ? width - 80 : height - 100
    const of = log ? Math.log : (v) => v
    const at = (v) => (length * (of(v) - of(min))) / (of(max) - of(min))
    ctx.save()
    ctx.font = font.size + 'px ' + font.family
    const half = (v) => (across ? ctx.measureText(short(v)).width / 2 + 5 : 9)
    const touch = (a, b) => Math.abs(at(b) - at(a)) < half(a) + half(b)
    const kept = []
    for (const value of ticks) {
      const last = value === ticks[ticks.length - 1]
      while (last && kept.length > 1 && touch(kept[kept.length - 1], value)) kept.pop()
      if (kept.length === 0 || !touch(kept[kept.length - 1], value)) kept.push(value)
    }
    ctx.restore()
    return kept
  }

  const axis = ({ label, log, min, max, ticks }) => ({
    type: log ? 'logarithmic' : 'linear',
    min,
    max,
    title: { display: true, text: label, font, color: colour('muted') },
    afterBuildTicks: (scale) => { scale.ticks = apart(scale, ticks, { log, min, max }).map((value) => ({ value })) },
    ticks: { callback: short, font, color: colour('muted'), maxRotation: 0, autoSkip: false },
    grid: { color: colour('grid'), tickLength: 4 },
    border: { color: colour('line') },
  })

  const dataset = ({ name, tone, dashed, plain, level, faint, points }) => ({
    label: name,
    data: points,
    level,
    faint,
    borderColor: colour(tone) + (faint ? '70' : ''),
    backgroundColor: colour(tone),
    borderWidth: faint ? 1 : tone === 'student' ? 2.5 : 2,
    borderDash: dashed ? [6, 4] : [],
    pointStyle: plain ? 'line' : shapes[tone],
    pointRadius: plain ? 0 : 4.5,
    pointHoverRadius: plain ? 3 : 6.5,
    pointHitRadius: faint ? 0 : 10,
    order: faint ? 9 : tone === 'student' ? 0 : 1,
  })

  /* Draws how far a point varies: a bar through it, and for a level a band along it. */
  const deviation = {
    id: 'deviation',
    beforeDatasetsDraw(chart) {
      const { ctx, data, chartArea: area, scales: { y } } = chart
      const pixel = (value) => Math.min(Math.max(y.getPixelForValue(Math.max(value, y.min)), area.top), area.bottom)
      ctx.save()
      data.datasets.forEach((set, i) => {
        const meta = chart.getDatasetMeta(i)
        if (meta.hidden) return
        ctx.strokeStyle = ctx.fillStyle = set.backgroundColor
        set.data.forEach((point, j) => {
          if (!point.sd) return
          const [top, bottom] = [pixel(point.y + point.sd), pixel(point.y - point.sd)]
          if (set.level) {
            if (j > 0) return
            ctx.globalAlpha = 0.14
            ctx.fillRect(area.left, top, area.right - area.left, bottom - top)
            ctx.globalAlpha = 1
            return
          }
          const { x } = meta.data[j]
          ctx.lineWidth = 1.5
          ctx.beginPath()
          ctx.moveTo(x, top)
          ctx.lineTo(x, bottom)
          for (const end of [top, bottom]) {
            ctx.moveTo(x - 7, end)
            ctx.lineTo(x + 7, end)
          }
          ctx.stroke()
        })
      })
      ctx.restore()
    },
  }

  /* Writes a point's label beside it. */
  const beside = {
    id: 'beside',
    afterDatasetsDraw(chart) {
      const { ctx, data } = chart
      ctx.save()
      ctx.font = '600 11px ' + font.family
      ctx.textBaseline = 'bottom'
      data.datasets.forEach((set, i) => {
        ctx.fillStyle = set.borderColor
        set.data.forEach(({ label }, j) => {
          const point = chart.getDatasetMeta(i).data[j]
          if (!label || !point) return
          ctx.fillText(label, point.x + 6, point.y - 3)
        })
      })
      ctx.restore()
    },
  }

  const options = ({ x, y, lines }) => ({
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    layout: { padding: { top: 12, right: 14 } },
    interaction: { mode: 'nearest', intersect: false },
    scales: { x: axis(x), y: axis(y) },
    plugins: {
      legend: {
        display: lines.filter(({ faint }) => !faint).length > 1,
        position: 'bottom',
        labels: { usePointStyle: true, boxHeight: 7, font, color: colour('text'), padding: 14, filter: ({ datasetIndex }, { datasets }) => !datasets[datasetIndex].faint },
      },
      tooltip: {
        filter: ({ dataset }) => !dataset.faint,
        callbacks: { title: () => '', label: ({ dataset, raw }) => dataset.label + ': ' + (raw.note ?? short(raw.y)) },
      },
    },
  })

  let charts = []
  const draw = () => {
    for (const chart of charts) chart.destroy()
    charts = plots.map((plot) => new Chart(document.getElementById(plot.id), {
      type: 'line',
      data: { datasets: plot.lines.map(dataset) },
      options: options(plot),
      plugins: [deviation, beside],
    }))
  }
  draw()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)

  /* On paper: light colours, and the options and all numbers unfolded. */
  let folded = []
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('.card details:not([open]), .more:not([open])')]
    for (const details of folded) details.open = true
    document.documentElement.dataset.theme = 'light'
    draw()
  })
  addEventListener('afterprint', () => {
    for (const details of folded) details.open = false
    delete document.documentElement.dataset.theme
    draw()
  })
}
`
