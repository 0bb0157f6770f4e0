/** Opens DATA for commands: with a progress bar, and with its warnings. */
import {
  captionsNeverRepeat,
  type DataOptions,
  type Dataset,
  loadDataset,
  type OwnOption,
  someOf,
} from '../data/index.js'
import type { DataFlags } from './data-options.js'
import { Bar, warn } from './terminal.js'

/** Loads DATA as `openData` does, and warns of what a model cannot learn from it. */
export const openDataToLearn = async (spec: string, flags: DataFlags): Promise<Dataset> => {
  const dataset = await openData(spec, flags)
  const warning = captionsNeverRepeat(dataset)
  if (warning === undefined) return dataset
  warn(warning)
  return { ...dataset, warnings: [...(dataset.warnings ?? []), warning] }
}

/** Loads DATA with a bar, and prints what could not be read or understood. */
export const openData = async (spec: string, flags: DataFlags): Promise<Dataset> => {
  const bar = new Bar('reading', 'pictures')
  try {
    const dataset = await loadDataset(spec, {
      resolution: flags.resolution,
      channels: flags.channels && (Number(flags.channels) as 1 | 3),
      category: flags.category,
      part: flags.part,
      onProgress: (done, total) => process.stderr.isTTY && bar.update(done, total),
    } satisfies Record<OwnOption, unknown> & DataOptions)
    bar.stop()
    const { skipped, warnings = [] } = dataset
    if (skipped.length > 0) {
      const named = skipped.map(({ file, reason }) => `${file} (${reason})`)
      warn(`skipped ${skipped.length}: ${someOf(named)}`)
    }
    for (const warning of warnings) warn(warning)
    return dataset
  } finally {
    bar.stop()
  }
}
