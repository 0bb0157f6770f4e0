/**
 * What share of a training's wall time the graph takes: the loop times each run of the graph, and each step as a whole,
 * with waiting for the batch, the optimiser and checkpoints.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diffusion } from '@onestroke/core/diffusion'
import { buildTextVocabulary } from '@onestroke/core/text'
import { loadDataset, nodeRuntime, OPTIMIZER_DEFAULTS, run as train } from 'onestroke'
import { rounded } from './lib/statistics.js'

export const about = 'share of a training’s wall time that is spent in the graph'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  steps: { type: 'string', default: '150', about: 'training steps of each case' },
}

const DATA = 'iconify:fluent-emoji-flat'
const BATCH = 64
const CASES = [
  { preset: 'small', resolution: 16 },
  { preset: 'base', resolution: 32 },
]

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ steps }) => {
  const rows = []
  for (const { preset, resolution } of CASES) {
    const directory = await mkdtemp(join(tmpdir(), 'onestroke-loop-'))
    const dataset = await loadDataset(DATA, { resolution })
    const time = { graph: 0, steps: 0, all: 0, images: 0 }
    let begin = 0
    try {
      await train({
        directory,
        plan: {
          command: 'train',
          data: { spec: DATA, sha256: dataset.sha256, images: dataset.count },
          teacher: null,
          preset,
          method: diffusion.name,
          method_options: diffusion.options,
          sigma_min: 0.01,
          sigma_max: 2.5 * resolution,
          batch: BATCH,
          images: Number(steps) * BATCH,
          minutes: null,
          seed: 0,
          guidance_scale: 1,
          condition_dropout: 0.1,
          word_dropout: 0.05,
          checks: 0,
          flip: false,
          translate: 0,
          optimizer: OPTIMIZER_DEFAULTS,
          schedule: { learning_rate: 1e-3, warmup: 0.02, decay: 0.3, ema_half_life: null },
        },
        dataset,
        vocabulary: buildTextVocabulary(dataset.names ?? []),
        runtime: nodeRuntime({ threads: 2 }),
        checkpoint_every: 10,
        onStep: ({ graph_seconds, step_seconds }) => {
          const now = performance.now()
          // The first step allocates; it only starts the clock.
          if (begin === 0) begin = now
          else {
            time.graph += graph_seconds
            time.steps += step_seconds
            time.images += BATCH
            time.all = (now - begin) / 1000
          }
        },
      })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
    rows.push({
      preset,
      resolution,
      images_per_second: rounded(time.images / time.all),
      graph_share: rounded(time.graph / time.all),
    })
  }
  return { seeds: { training: 0 }, versions: {}, results: { checkpoint_every_seconds: 10, threads: 2, rows } }
}
