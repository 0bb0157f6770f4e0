/** Sample pictures that a training paints on the way. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '../data/index.js'
import { asSeenBy, samplePrompts } from '../evaluation/index.js'
import { pngGrid, writeFileAtomic } from '../formats/index.js'
import type { Model } from '../model/index.js'
import { SAMPLES_FILE, SAMPLES_FOLDER } from '../run-files.js'

/**
 * Writes a grid of samples from the current weights, to look at while the model trains. Some grids are kept, each
 * after a twentieth more pictures than the one before.
 */
export const writeSamples = async (
  model: Model,
  directory: string,
  dataset: Dataset,
  images: number,
): Promise<string> => {
  const student = model.config.kind === 'student'
  const pictures = await model.generate({
    prompts: samplePrompts(asSeenBy(model.config, dataset), 16),
    seed: 0,
    num_inference_steps: student ? 1 : 8,
    ...(!student && { solver: 'dpmpp_2m' as const }),
  })
  const path = join(directory, SAMPLES_FILE)
  const png = await pngGrid(pictures, { columns: 8 })
  await writeFileAtomic(path, png)
  const kept = join(directory, SAMPLES_FOLDER)
  await mkdir(kept, { recursive: true })
  const latest = Math.max(0, ...(await readdir(kept)).map((name) => Number.parseInt(name, 10) || 0))
  if (images < latest || images >= 1.05 * latest)
    await writeFileAtomic(join(kept, `${String(images).padStart(10, '0')}.png`), png)
  return path
}
