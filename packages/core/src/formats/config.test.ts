import { describe, expect, it } from 'vitest'
import { EDM, type Parametrization, type PathConfig, PREDICTION_NAMES } from '../diffusion/index.js'
import { networkConfig, storedNetwork } from '../nn/index.js'
import { type ModelConfig, parseModelConfig, storedConfig } from './config.js'
import { UNTRAINED } from './testing-config.js'

const network = storedNetwork(
  networkConfig.parse({
    type: 'hourglass',
    resolution: 4,
    channels: 1,
    patch_size: 1,
    levels: [{ width: 4, depth: 1, heads: 1, window: 2 }],
    mlp_ratio: 2,
    embedding: { width: 4, token_width: 4, guidance_embedding: false, condition: { kind: 'none' } },
  }),
)
const file = (words: object) => ({ format: 'onestroke/1', kind: 'teacher', network, ...words, ...UNTRAINED })
const readingOf = ({ prediction, path, boundary }: ModelConfig): Parametrization => ({
  prediction,
  path,
  boundary,
})

const VP: PathConfig = {
  kind: 'vp',
  noise: { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012, num_train_timesteps: 1000 },
}

it('the space is that of pixels where a file has none, and is then not written', () => {
  const stored = file({ parametrization: 'edm' })
  const config = parseModelConfig(stored, 'config.json')
  expect(config.space).toEqual({ kind: 'pixels' })
  expect(JSON.stringify(storedConfig(config))).toBe(JSON.stringify(stored))
  const said = { ...stored, space: { kind: 'pixels' } }
  expect(parseModelConfig(said, 'config.json')).toEqual(config)
  expect(() => parseModelConfig({ ...stored, space: { kind: 'sounds' } }, 'config.json')).toThrow(
    / at space\.kind$/,
  )
})

describe('what a network predicts', () => {
  it.each([
    { parametrization: 'edm', boundary: false },
    { parametrization: 'consistency', boundary: true },
  ])('of the files that there were first: $parametrization', ({ parametrization, boundary }) => {
    const stored = file({ parametrization })
    const config = parseModelConfig(stored, 'config.json')
    expect(readingOf(config)).toEqual({ ...EDM, boundary })
    expect(config).not.toHaveProperty('parametrization')
    // They are written as they were read, key by key.
    expect(JSON.stringify(storedConfig(config))).toBe(JSON.stringify(stored))
  })

  it.each(
    PREDICTION_NAMES.flatMap((prediction) =>
      ([{ kind: 've' }, VP, { kind: 'flow' }] as const).flatMap((path) =>
        [false, true].map((boundary) => ({ prediction, path, boundary })),
      ),
    ),
  )('comes back from a file: $prediction, $path.kind, $boundary', (reading) => {
    const config = { ...parseModelConfig(file({ parametrization: 'edm' }), 'config.json'), ...reading }
    const stored: unknown = JSON.parse(JSON.stringify(storedConfig(config)))
    expect(parseModelConfig(stored, 'config.json')).toEqual(config)
    expect(Object.hasOwn(stored as object, 'parametrization')).toBe(
      reading.prediction === 'edm' && reading.path.kind === 've',
    )
  })

  it.each([
    [{}, 'config.json does not say what its network predicts: it needs parametrization, or prediction, path'],
    [{ prediction: 'v', boundary: false }, 'config.json does not say what its network predicts'],
    [
      { parametrization: 'edm', prediction: 'v' },
      'config.json: parametrization edm says all that prediction, path and boundary do; leave out prediction',
    ],
    [{ prediction: 'w', path: { kind: 've' }, boundary: false }, /^config\.json is not .* at prediction$/],
    [{ prediction: 'v', path: { kind: 'vp' }, boundary: false }, /^config\.json is not .* at path\.noise$/],
    [
      {
        prediction: 'v',
        path: { kind: 'vp', noise: { alphas_cumprod: [0.5, 0.9] } },
        boundary: false,
      },
      /^config\.json is not .* at path\.noise/,
    ],
    [
      { prediction: 'v', path: { kind: 'sideways' }, boundary: false },
      /^config\.json is not .* at path\.kind$/,
    ],
  ])('that is none is refused: %o', (words, message) => {
    expect(() => parseModelConfig(file(words), 'config.json')).toThrow(message)
  })
})
