/**
 * Students of other sizes than their teacher's: quality against parameters and milliseconds, after the same number
 * of images. `--runs` keeps the students, so that what was interrupted goes on.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onestroke } from './lib/command.js'
import { distillingOptions } from './lib/emoji.js'
import { rounded } from './lib/statistics.js'

export const about = 'students of other sizes than their teacher: quality against parameters and milliseconds'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  ...distillingOptions('sizes', '12000'),
  presets: { type: 'string', default: 'tiny,half,small', about: 'sizes of the students' },
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ teacher, data, category, presets, images, samples, runs }) => {
  /** @type {Record<string, object>} */
  const results = {}
  for (const preset of presets.split(',')) {
    const out = join(runs, preset)
    const found = join(runs, `${preset}.json`)
    if (!existsSync(found)) {
      const pictures = ['--category', category]
      const training = [...pictures, '--images', images, '--samples', '0']
      await onestroke('distill', teacher, data, ...training, '--student', preset, '--out', out)
      const { stdout } = await onestroke(
        'evaluate',
        out,
        '--data',
        data,
        ...pictures,
        '--steps',
        '1,2,4',
        '--samples',
        samples,
        '--json',
      )
      await writeFile(found, stdout)
    }
    /** @type {{ model: { parameters: number }, rows: { who: string, steps: number, fid: number, prompt_top1: number, seconds_per_image: number }[] }} */
    const { model, rows } = JSON.parse(await readFile(found, 'utf8'))
    const { provenance } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))
    const students = rows.filter(({ who }) => who === 'student')
    results[preset] = {
      parameters: model.parameters,
      training_ms_per_image: rounded((1000 * provenance.seconds) / provenance.images_seen),
      steps: Object.fromEntries(
        students.map(({ steps, fid, prompt_top1, seconds_per_image }) => [
          steps,
          {
            fid: rounded(fid),
            prompt_top1: rounded(prompt_top1),
            milliseconds: rounded(1000 * seconds_per_image),
          },
        ]),
      ),
    }
  }
  return {
    seeds: { training: 0, evaluation: 0 },
    versions: {},
    results: { images: Number(images), presets: results },
  }
}
