/** What smaller weights cost: `onestroke export` of a student in each type, with its size and its quality. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onestroke } from './lib/command.js'
import { CATEGORY, DATA, STUDENTS, TEACHERS } from './lib/emoji.js'
import { rounded } from './lib/statistics.js'

export const about = 'exports in fp32, fp16 and int8: bytes, Fréchet distance, distance to the teacher'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  models: STUDENTS,
  samples: { type: 'string', default: '922', about: 'pictures to judge by' },
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ models, samples }) => {
  const directory = await mkdtemp(join(tmpdir(), 'onestroke-export-'))
  const rows = []
  try {
    for (const name of models.split(','))
      for (const dtype of ['fp32', 'fp16', 'int8']) {
        const { stdout } = await onestroke(
          'export',
          `models/${name}`,
          '--out',
          join(directory, `${name}-${dtype}`),
          '--dtype',
          dtype,
          '--data',
          DATA,
          '--category',
          CATEGORY,
          '--samples',
          samples,
          '--json',
          '--teacher',
          `models/${TEACHERS[name]}`,
        )
        const { graph, rmse_to_fp32, quality } = JSON.parse(stdout)
        rows.push({
          model: name,
          dtype,
          megabytes: rounded(graph.bytes / 1e6),
          rmse_to_fp32: rounded(rmse_to_fp32),
          steps: quality.rows.map((/** @type {{ steps: number, fid: number, fid_fp32: number }} */ row) => ({
            ...row,
            fid_ratio: rounded(row.fid / row.fid_fp32),
          })),
        })
      }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return { seeds: { evaluation: 0 }, versions: {}, results: { samples: Number(samples), rows } }
}
