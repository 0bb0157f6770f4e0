import { constant, dims, type OnnxFunction, type Tensor } from '../tensor/index.js'

/**
 * Features of pictures [B, C, H, W], by a network of another size or number of channels if need be: pictures are resampled
 * (bilinear), grey ones repeated. → [B, D]
 *
 * @throws RangeError if the network does not take pictures.
 */
export const pictureFeatures =
  (network: OnnxFunction) =>
  (pictures: Tensor): Tensor => {
    const [b, c, h, w] = dims(pictures, 4, 'pictureFeatures')
    const [, channels = 0, height = 0, width = 0] = network.input
    if (network.input.length !== 4)
      throw new RangeError(
        `the feature network takes [${network.input.join(', ')}], not pictures [N, C, H, W]`,
      )
    let x = pictures
    if (channels > 0 && channels !== c) {
      if (c !== 1) throw new RangeError(`the feature network takes ${channels} channels, not ${c}`)
      x = x.broadcastTo([b, channels, h, w])
    }
    if (height > 0 && height !== h) x = resampling(h, height).matmul(x)
    if (width > 0 && width !== w) x = x.matmul(resampling(w, width).swapLast())
    return network.apply(x).reshape([b, -1])
  }

/** The matrix [to, from] of bilinear resampling. */
const resampling = (from: number, to: number): Tensor => {
  const values = new Float32Array(to * from)
  for (let i = 0; i < to; i++) {
    const { low, high, share } = bilinear(i, from, to)
    values[i * from + low]! += 1 - share
    values[i * from + high]! += share
  }
  return constant(values, [to, from])
}

/**
 * What pixel `i` of a row of `to` is made of, where a row of `from` is resampled: 1 − share of pixel `low` and the rest of
 * `high`. Pixels have their centres at halves; beyond the edges they repeat.
 */
export const bilinear = (
  i: number,
  from: number,
  to: number,
): { low: number; high: number; share: number } => {
  const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
  const low = Math.floor(at)
  return { low, high: Math.min(low + 1, from - 1), share: at - low }
}
