/** The judge `random-conv`: an untrained convolutional network, the same for every dataset of one shape. */
import { conv, describeParameters, namedScope, type Scope } from '@onestroke/core/nn'
import type { PictureShape } from '@onestroke/core/picture'
import { constant, dims, joined, type Tensor, toOnnx, trace } from '@onestroke/core/tensor'
import type { Dataset } from '../data/index.js'
import { principalComponents, projected } from '../metrics/index.js'
import { sha256Of } from '../model/index.js'
import { FEATURE_BATCH } from './feature-network.js'
import { type FeatureSpace, featuresOfDataset, networkSpace } from './feature-space.js'
import { FeatureExtractor } from './features.js'
import { COMPONENTS, FITTED } from './pixel-features.js'
import { judgedBy } from './real-pictures.js'
import { seen } from './view.js'

const WIDTHS = [64, 128, 256]
/** Seed of the weights. */
const SEED = 1010
/** Side of the grid that every depth is pooled to. */
const GRID = 2

/**
 * x [B, C, H, W] in [-1, 1] → features [B, 4·(64 + 128 + 256)]: three convolutions of stride 2 of its view (`seen`), each pooled to 2×2 means.
 * Depths that would be smaller than 2×2 are left out: a picture of 8×8 has two.
 */
const features = (scope: Scope, x: Tensor): Tensor => {
  const depths: Tensor[] = []
  let y = seen(x)
  for (const [i, width] of WIDTHS.entries()) {
    if (Math.min(y.shape[2]!, y.shape[3]!) <= GRID) break
    y = conv(scope.at(i), y, width, { stride: 2, init: { std: Math.sqrt(2 / (9 * y.shape[1]!)) } }).relu()
    depths.push(pooled(y))
  }
  return joined(depths, 1)
}

/** Means over the quarters of a picture, which share the middle row or column where the side is odd: [B, C·4]. */
const pooled = (x: Tensor): Tensor => {
  const [b, c, h, w] = dims(x, 4, 'pooled')
  const share = (i: number, cell: number, side: number): number => {
    const half = Math.ceil(side / GRID)
    const first = cell === 0 ? 0 : side - half
    return i >= first && i < first + half ? 1 / half : 0
  }
  const means = new Float32Array(h * w * GRID * GRID)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let cell = 0; cell < GRID * GRID; cell++)
        means[(y * w + x) * GRID * GRID + cell] =
          share(y, Math.floor(cell / GRID), h) * share(x, cell % GRID, w)
  return x
    .reshape([b, c, h * w])
    .matmul(constant(means, [h * w, GRID * GRID]))
    .reshape([b, c * GRID * GRID])
}

/** The network as an ONNX model: `pictures` [64, C, H, W] → `features`. A pure function of the shape. */
const randomNetwork = ({ channels, height, width }: PictureShape) => {
  const pictures = [FEATURE_BATCH, channels, height, width]
  const layout = describeParameters((scope) =>
    features(scope, trace({ pictures }, () => ({})).inputs.pictures!),
  )
  const weights = layout.unflatten(layout.initialize(SEED))
  const shapes = Object.fromEntries(layout.specs.map(({ name, shape }) => [name, shape]))
  const program = trace(
    { ...shapes, pictures } as Record<string, readonly number[]>,
    (inputs: Record<string, Tensor>) => ({ features: features(namedScope(inputs), inputs.pictures!) }),
  )
  return toOnnx(program, weights)
}

const ABOUT = 'Random convolutional features'

/** The network, ready to run. */
export const randomExtractor = (shape: PictureShape): Promise<FeatureExtractor> =>
  FeatureExtractor.open(randomNetwork(shape), ABOUT)

/**
 * The space of the first 64 principal components, over the real pictures (1024 at most), of random convolutional features: edges,
 * textures and where they are. Pictures may have any number of channels, and any size from 8×8 up.
 */
export const randomSpace = async (dataset: Dataset, most = FITTED): Promise<FeatureSpace> => {
  const bytes = randomNetwork(dataset)
  const extractor = await FeatureExtractor.open(bytes, ABOUT)
  const info = { name: 'random-conv', about: ABOUT, took_part: false }
  const space = networkSpace(extractor, dataset, info, false)
  const real = await featuresOfDataset(space, dataset, judgedBy(dataset, Math.min(most, FITTED)))
  const components = principalComponents(real, COMPONENTS)
  return {
    info: {
      name: info.name,
      sha256: sha256Of(Buffer.concat([bytes, new Uint8Array(components.axes.buffer)])),
      dims: components.to,
      about: `${components.to} principal components of a convolutional network with random weights, pooled at several depths: edges and textures.`,
      took_part: false,
    },
    customary: false,
    features: async (pictures, count) => projected(components, await space.features(pictures, count)),
    ofDataset: async (some, rows) => projected(components, await extractor.ofDataset(some, rows)),
  }
}
