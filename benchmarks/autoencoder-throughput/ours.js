/** onestroke's side. See `theirs.py` for the other one. */
import { autoencoderConfig, autoencoderLayout } from '@onestroke/core/autoencoder'
import { autoencoderStep } from 'onestroke'
import { serveTraining } from '../lib/our-side.js'

await serveTraining((job) => {
  const network = autoencoderConfig.parse(job.config.network)
  return {
    job,
    layout: autoencoderLayout(network),
    program: autoencoderStep(network, job.batch, job.crop),
  }
})
