/** A sample grid on the page: embedded, and enlarged by a whole factor so that every pixel stays a square. */
import { type Html, html } from './html.js'
import type { Grid } from './types.js'

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Width and height from a PNG's header, or undefined where it is none. */
export const pngSize = (png: Uint8Array): { width: number; height: number } | undefined => {
  if (png.length < 24 || signature.some((byte, i) => png[i] !== byte)) return undefined
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}

/** The page's width and the gap between figures, in CSS pixels (see style.ts). */
const row = 1128
const gap = 24

/** How many times to enlarge a grid: so that three or two fill a row, or else that one is of a sensible height. */
export const enlargement = (width: number, height: number): number => {
  for (const columns of [3, 2]) {
    const slot = (row - gap * (columns - 1)) / columns
    const factor = Math.floor(slot / width)
    if (factor >= 2 && factor * width >= 0.7 * slot) return factor
  }
  const roomy = Math.min(Math.max(2, Math.floor(480 / height)), 4)
  return Math.max(1, Math.min(roomy, Math.floor(row / width)))
}

export const figure = ({ caption, detail, highlight, png: name }: Grid, png: Uint8Array): Html => {
  const size = pngSize(png)
  const factor = size ? enlargement(size.width, size.height) : 1
  const url = `data:image/png;base64,${Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString('base64')}`
  return html`
    <figure${highlight && html` class="highlight"`}>
      <img src="${url}" alt="Sample pictures: ${caption}" title="${name}"${
        size && html` width="${size.width * factor}" height="${size.height * factor}"`
      } decoding="async">
      <figcaption><strong>${caption}</strong>${detail && html` <span>${detail}</span>`}</figcaption>
    </figure>`
}
