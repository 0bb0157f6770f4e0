/**
 * Peak signal-to-noise ratio of each picture, in decibels: 10 log₁₀(peak² / mean square error), where values reach from −1 to 1, so
 * that the peak is 2. `painted` and `real` are [count, …]; what lies outside of [-1, 1] is clipped first. Equal pictures have
 * infinitely much.
 */
export const psnr = (painted: Float32Array, real: Float32Array, count: number): number[] => {
  if (painted.length !== real.length || real.length % count !== 0)
    throw new RangeError(`psnr: ${painted.length} and ${real.length} numbers of ${count} pictures`)
  const size = real.length / count
  return Array.from({ length: count }, (_, picture) => {
    let squares = 0
    for (let i = picture * size; i < (picture + 1) * size; i++)
      squares += (Math.min(1, Math.max(-1, painted[i]!)) - real[i]!) ** 2
    return 10 * Math.log10(4 / (squares / size))
  })
}
