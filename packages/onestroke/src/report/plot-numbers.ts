import { dash, estimate, significant } from './format.js'
import { html } from './html.js'
import type { Mark, Plot } from './plots.js'
import { pick } from './series.js'

const written = (mark: Mark | undefined) => {
  if (!mark) return dash
  return mark.sd === undefined ? significant(mark.y) : estimate({ mean: mark.y, sd: mark.sd })
}

/** The text under a plot, for people who cannot see it: a column per line, at twelve points at most; a level is one sentence. */
export const plotNumbers = ({ title, x, y, lines }: Plot) => {
  const shown = lines.filter((line) => !line.faint && !line.level)
  const columns = shown.map((line) => new Map(line.points.map((p) => [p.x, p])))
  const places = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b)
  return html`
    <details><summary>The numbers of this plot</summary>
      <div class="scroll" role="region" aria-label="The numbers of: ${title}" tabindex="0"><table>
        <thead><tr><th scope="col">${x.label}</th>${shown.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${pick(places, 12).map((at) => html`<tr><th scope="row">${significant(at)}</th>${columns.map((column) => html`<td>${written(column.get(at))}</td>`)}</tr>`)}</tbody>
      </table></div>
      ${lines.filter((line) => line.level).map(({ name, points }) => html`<p>${name}: ${y.label} ${written(points[0])}</p>`)}
    </details>`
}
