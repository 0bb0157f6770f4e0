/** How long `onestroke sample … --steps 1 -n 16` takes as a whole process: start, load, compile, paint, write. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onestroke } from './lib/command.js'
import { median, rounded } from './lib/statistics.js'

export const about = 'seconds of a whole `onestroke sample --steps 1 -n 16` process'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  model: { type: 'string', default: 'models/emoji-16-student', about: 'model folder' },
  runs: { type: 'string', default: '11', about: 'processes, one after the other; the first does not count' },
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ model, runs }) => {
  const directory = await mkdtemp(join(tmpdir(), 'onestroke-sample-'))
  try {
    const times = []
    for (let i = 0; i < Number(runs); i++) {
      const out = join(directory, 'grid.png')
      const { seconds } = await onestroke('sample', model, '--steps', '1', '-n', '16', '--out', out)
      if (i > 0) times.push(seconds)
    }
    return {
      seeds: { noise: 0 },
      versions: {},
      results: { model, median_seconds: rounded(median(times)), seconds: times.map((time) => rounded(time)) },
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
