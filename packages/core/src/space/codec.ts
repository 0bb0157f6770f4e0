/** What stands between pictures, and the points that a denoiser sees of them. */
import type { AutoencoderConfig, Half } from '../autoencoder/index.js'
import type { PictureShape } from '../picture/index.js'

/** What a denoiser sees. */
export interface Points {
  /** What a point looks like in memory: the network's input for one picture. */
  readonly shape: PictureShape
  /** Standard deviation of the points' values. */
  readonly sigma_data: number
}

/**
 * A way from pictures to points and back. It stands where a data set is encoded, and at both ends of `Pipeline.generate`:
 * methods, solvers and loops see points alone.
 */
export interface Codec extends Points {
  /** What pictures look like in memory. */
  readonly picture: PictureShape
  /** Whether pictures come back as they were. */
  readonly exact: boolean
  /** Points [count, …shape] of pictures [count, …picture] in [-1, 1]. They may be the array of the pictures. */
  encode(pictures: Float32Array): Promise<Float32Array>
  /** The pictures of points, not clipped. They may be the array of the points. */
  decode(points: Float32Array): Promise<Float32Array>
  /** Coarse pictures of points, at once; undefined where only `decode` makes pictures of them. */
  preview(points: Float32Array): Float32Array | undefined
}

/**
 * What runs half of an autoencoder: for the encoder pictures [batch, …] → points, for the decoder points [batch, …] → pictures.
 */
export type RunHalf = (half: Half, values: Float32Array, batch: number) => Promise<Float32Array>

/** What is known of one kind of space. */
export interface CodecMaker<Space> {
  /** The autoencoder whose halves are graphs of every model in such a space, if there is one. */
  autoencoder(space: Space): AutoencoderConfig | undefined
  /** What the pictures look like whose points have such a shape. */
  pictureOf(space: Space, shape: PictureShape): PictureShape
  /** What is seen of such pictures. @throws RangeError if there are no points of them. */
  points(space: Space, picture: PictureShape): Points
  /** The codec of such pictures. */
  codec(space: Space, picture: PictureShape, run: RunHalf): Codec
}

/** A maker for each kind of space. A kind without one does not compile. */
export type Codecs<Space extends { readonly kind: string }> = {
  readonly [Kind in Space['kind']]: CodecMaker<Extract<Space, { readonly kind: Kind }>>
}
