/**
 * The network in whose features pictures are compared, when the user brings none: a small convolutional network,
 * trained on the data themselves. With labels it learns to tell them; without, to tell that two distorted copies show
 * the same picture (SimCLR, Chen et al. 2020). Features have unit length: the contrastive loss sees directions alone, so
 * that lengths are left to chance, and would rule every distance between features. The result is an ONNX model like
 * any other.
 */
import { conv, describeParameters, flatScope, linear, namedScope, type Scope } from '@onestroke/core/nn'
import { sizeOf } from '@onestroke/core/picture'
import { Random, STREAM } from '@onestroke/core/random'
import {
  constant,
  dims,
  grad,
  type Program,
  type Runtime,
  type Tensor,
  toOnnx,
  trace,
} from '@onestroke/core/tensor'
import type { Dataset } from '../data/index.js'
import { learningRate, OPTIMIZER_DEFAULTS, Optimizer } from '../training/index.js'
import { distort, pictureOf } from './distort.js'
import { seen } from './view.js'

/** Part of a trained network's file name: to be raised with every change of how it is made. */
export const FEATURE_RECIPE = 2
/** The same for large pictures, see `isLarge`. */
export const LARGE_FEATURE_RECIPE = 3
export const FEATURE_DIMS = 64
const WIDTHS = [32, 64, 128]
/** Places of the coarsest map, at most. */
const PLACES = 16
const BATCH = 128
/** Steps of a network's training, where time does not ask for fewer. */
export const FEATURE_STEPS = 800
const LEARNING_RATE = 2e-3
/**
 * Temperature τ of the contrastive loss. The lower, the more evenly the features vary in all directions, and the better
 * the Fréchet distance repeats itself (`npm run bench -- repeatability`): at 16×16, one half of the emoji against the
 * other, to 20, 11 and 8 % with 0.5, 0.2 and 0.1; one student with other noise, to 17, 10 and 5 %.
 */
const TEMPERATURE = 0.1
/** Pictures per run of the exported network. */
export const FEATURE_BATCH = 64

/** x [B, C, H, W] in [-1, 1] → features [B, FEATURE_DIMS] of any length. Stride-2 convolutions of its view (`seen`) down to 16 places, 4×4 in a square, then a projection. */
const embed = (scope: Scope, x: Tensor): Tensor => {
  let y = seen(x)
  for (let i = 0; y.shape[2]! * y.shape[3]! > PLACES; i++) {
    const width = WIDTHS[Math.min(i, WIDTHS.length - 1)]!
    y = conv(scope.at('layers').at(i), y, width, {
      stride: 2,
      init: { std: Math.sqrt(2 / (9 * y.shape[1]!)) },
    }).relu()
  }
  const [b, c, h, w] = dims(y, 4, 'embed')
  return linear(scope.at('features'), y.reshape([b, c * h * w]), FEATURE_DIMS, { bias: true })
}

/** Features [B, D] at unit length, in operations that `fromOnnx` reads. */
const unitLength = (features: Tensor): Tensor =>
  features.div(features.mul(features).sum([1], true).add(1e-8).sqrt())

/** Cross-entropy of labels [B, classes] (one-hot). */
const classLoss = (scope: Scope, features: Tensor, labels: Tensor): Tensor =>
  linear(scope.at('classes'), features.relu(), labels.shape[1]!, { bias: true })
    .logSoftmax()
    .mul(labels)
    .sum()
    .mul(-1 / features.shape[0]!)

/** NT-Xent (Chen et al. 2020, eq. 1): rows i and i + B/2 of features [B, D] show the same picture. */
const contrastiveLoss = (features: Tensor): Tensor => {
  const [b] = dims(features, 2, 'contrastiveLoss')
  const unit = unitLength(features)
  const itself = new Float32Array(b * b)
  const partner = new Float32Array(b * b)
  for (let i = 0; i < b; i++) {
    itself[i * b + i] = -1e4
    partner[i * b + ((i + b / 2) % b)] = -1 / b
  }
  const similarity = unit
    .matmul(unit.swapLast())
    .mul(1 / TEMPERATURE)
    .add(constant(itself, [b, b]))
  return similarity
    .logSoftmax()
    .mul(constant(partner, [b, b]))
    .sum()
}

/**
 * Trains the feature network of a dataset and returns it as an ONNX model: `pictures` [64, C, H, W] in [-1, 1] →
 * `features` [64, 64] of unit length. A pure function of the dataset and the seed, on one machine.
 */
export const trainFeatureNetwork = async (
  dataset: Dataset,
  runtime: Runtime,
  {
    seed = 0,
    steps = FEATURE_STEPS,
    onStep,
  }: { seed?: number; steps?: number; onStep?(step: number, steps: number): void } = {},
): Promise<Uint8Array> => {
  const { channels, height, width, labels, classes } = dataset
  const shape = (batch: number) => [batch, channels, height, width]
  const layout = describeParameters((scope) => {
    const { pictures } = placeholders({ pictures: shape(2) })
    const features = embed(scope, pictures!)
    return classes
      ? classLoss(scope, features, constant(new Float32Array(2 * classes.length), [2, classes.length]))
      : 0
  })
  const program = trace(
    {
      parameters: [layout.size],
      pictures: shape(BATCH),
      ...(classes && { labels: [BATCH, classes.length] }),
    } as Record<string, number[]>,
    ({ parameters, pictures, labels }: Record<string, Tensor>) => {
      const scope = flatScope(layout, parameters!)
      const features = embed(scope, pictures!)
      const loss = labels ? classLoss(scope, features, labels) : contrastiveLoss(features)
      return { loss, gradient: grad(loss, [parameters!])[0]! }
    },
  )
  const executable = await runtime.compile(program)
  const optimizer = new Optimizer(layout.size, { ...OPTIMIZER_DEFAULTS, beta2: 0.999 })
  optimizer.parameters.set(layout.initialize(seed))
  const { parameters, gradient } = optimizer
  const size = sizeOf(dataset)
  const pictures = new Float32Array(BATCH * size)
  const oneHot = new Float32Array(classes ? BATCH * classes.length : 0)
  for (let step = 0; step < steps; step++) {
    oneHot.fill(0)
    const distinct = classes ? BATCH : BATCH / 2
    for (let i = 0; i < BATCH; i++) {
      const pick = new Random({ seed, stream: STREAM.features, step, index: i % distinct })
      const index = pick.integer(dataset.count)
      const random = new Random({ seed, stream: STREAM.features, step, index: BATCH + i })
      distort(pictureOf(dataset, index), pictures.subarray(i * size, (i + 1) * size), dataset, random)
      if (classes) oneHot[i * classes.length + labels![index]!] = 1
    }
    await executable.run({ parameters, pictures, ...(classes && { labels: oneHot }) }, { gradient })
    const rate = learningRate(step / steps, {
      learning_rate: LEARNING_RATE,
      warmup: 0.05,
      decay: 0.5,
      ema_half_life: 0,
    })
    await optimizer.step(step + 1, rate, 0.98, optimizer.gradientNorm())
    onStep?.(step + 1, steps)
    if (step % 16 === 0) await new Promise(setImmediate)
  }
  await executable.release()
  const weights = layout.unflatten(optimizer.ema)
  const kept = Object.fromEntries(Object.entries(weights).filter(([name]) => !name.startsWith('classes.')))
  return toOnnx(featureProgram(shape(FEATURE_BATCH), kept), kept)
}

const featureProgram = (shape: readonly number[], weights: Record<string, Float32Array>): Program => {
  const layout = describeParameters((scope) => embed(scope, placeholders({ pictures: shape }).pictures!))
  const specs = {
    pictures: shape,
    ...Object.fromEntries(layout.specs.map(({ name, shape }) => [name, shape])),
  }
  const missing = layout.specs.find(({ name }) => !weights[name])
  if (missing) throw new RangeError(`the feature network lacks ${missing.name}`)
  return trace(specs as Record<string, readonly number[]>, (inputs: Record<string, Tensor>) => ({
    features: unitLength(embed(namedScope(inputs), inputs.pictures!)),
  }))
}

/** Inputs for describing a network without tracing a whole program. */
const placeholders = (specs: Record<string, readonly number[]>) => trace(specs, () => ({})).inputs
