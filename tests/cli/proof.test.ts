/** What the proof of a distillation leaves behind where it cannot be made. */
import { expect, it, vi } from 'vitest'
import { distillSettings, reporting } from '../../packages/onestroke/src/cli/distill.js'
import { FULL_EFFORT } from '../../packages/onestroke/src/evaluation/index.js'
import { noisePictures } from '../../packages/onestroke/src/evaluation/testing.js'
import { loadModel, OpenModels } from '../../packages/onestroke/src/model/index.js'

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
