import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { writeFileAtomic } from '../formats/index.js'
import { REPORT_DATA_FILE, REPORT_FILE } from '../run-files.js'
import { renderReport } from './page.js'
import type { Report } from './types.js'

/** Writes `report.json`, `report.html` and the pictures, by file name, into a folder. */
export const writeReport = async (
  dir: string,
  report: Report,
  pictures: Readonly<Record<string, Uint8Array>>,
): Promise<void> => {
  for (const name of Object.keys(pictures))
    if (name !== basename(name) || !name.endsWith('.png'))
      throw new RangeError(`report: a picture's name is a plain file name that ends in .png, not ${name}`)
  const page = renderReport(report, (name) => {
    const png = Object.hasOwn(pictures, name) ? pictures[name] : undefined
    if (!png)
      throw new RangeError(
        `report: no picture ${name} was given (given: ${Object.keys(pictures).join(', ') || 'none'})`,
      )
    return png
  })
  await mkdir(dir, { recursive: true })
  for (const [name, png] of Object.entries(pictures)) await writeFileAtomic(join(dir, name), png)
  await writeFileAtomic(join(dir, REPORT_DATA_FILE), `${JSON.stringify(report, null, 2)}\n`)
  await writeFileAtomic(join(dir, REPORT_FILE), page)
}
