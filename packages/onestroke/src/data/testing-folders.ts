/** For tests: folders of pictures as people have them, and what is understood of them. */
import { loadDataset } from './load.js'
import { summaryOf } from './summary.js'
import { BLUE, folderOf, png, RED } from './testing.js'

export const red = await png(RED, 4)
export const blue = await png(BLUE, 4)

/** Reads a folder of these files; a picture is told apart by its name. */
export const read = async (files: Record<string, Uint8Array | string>) => {
  const dataset = await loadDataset(await folderOf(files))
  const { count, names, classes, labels, skipped, warnings, test } = dataset
  return {
    summary: summaryOf(dataset),
    count,
    names,
    classes,
    labels: labels && [...labels],
    skipped,
    warnings,
    test,
    dataset,
  }
}
export const pictures = (...files: string[]): Record<string, Uint8Array> =>
  Object.fromEntries(files.map((file) => [file, red]))
