/** onestroke's side. See `theirs.py` for the other one. */
import { diffusion } from '@onestroke/core/diffusion'
import { networkConfig, networkLayout } from '@onestroke/core/nn'
import { trainingStep } from 'onestroke'
import { serveTraining } from '../lib/our-side.js'

await serveTraining((job) => {
  const network = networkConfig.parse(job.config.network)
  return {
    job,
    layout: networkLayout(network),
    program: trainingStep({
      student: { ...job.config, network },
      guidance_scale: 1,
      objective: diffusion,
      options: diffusion.options,
      batch: job.batch,
    }),
  }
})
