/** What the proof of a distillation leaves behind where it cannot be made. */
import { afterEach, expect, it, vi } from 'vitest'
import { distillSettings, reporting } from '../../packages/onestroke/src/cli/distill.js'
import { FULL_EFFORT } from '../../packages/onestroke/src/evaluation/index.js'
import { noisePictures } from '../../packages/onestroke/src/evaluation/testing.js'
import { loadModel, OpenModels } from '../../packages/onestroke/src/model/index.js'
import { prove } from '../../packages/onestroke/src/proof/index.js'

afterEach(() => vi.restoreAllMocks())

it('lets go of both models when the pictures do not fit them', async () => {
  const opened = vi.spyOn(OpenModels.prototype, 'of')
  const released = vi.spyOn(OpenModels.prototype, 'release')
  const teacher = 'models/emoji-16-teacher'
  const settings = distillSettings(await loadModel(teacher), {})
  const { report } = reporting(teacher, 'models/emoji-16-guided', settings, {})
  const effort = { ...FULL_EFFORT, feature_steps: 0 }
  const made = report!(undefined, noisePictures(64, 32), { effort, seconds: 60, timed: false })
  await expect(made).rejects.toThrow(/16/)
  expect(opened).toHaveBeenCalledTimes(2)
  expect(released).toHaveBeenCalledTimes(1)
  expect(released.mock.contexts).toEqual([opened.mock.contexts[0]])
})

it('lets go of the models that it opened itself when it fails on the way', async () => {
  const released = vi.spyOn(OpenModels.prototype, 'release')
  const made = prove({
    title: 'one',
    student: await loadModel('models/emoji-16-guided'),
    teacher: await loadModel('models/emoji-16-teacher'),
    dataset: { ...noisePictures(64, 16), names: Array(64).fill('owl') },
    own: null,
    steps: [1],
    samples: 8,
    seed: 0,
    noise_seeds: 1,
    distance_samples: 0,
    teacher_settings: [],
    commands: [],
    onProgress: () => {
      throw new Error('no further')
    },
  })
  await expect(made).rejects.toThrow('no further')
  expect(released).toHaveBeenCalledTimes(1)
})
