// The optimiser's inner loops, compiled to WebAssembly SIMD by AssemblyScript: one pass over memory a step.
// Arrays are float32, flat, 16-byte aligned, and padded to a multiple of four elements; `n` counts the padded length.

/** Sum of squares in float64, in a fixed order. */
export function sumSquares(x: usize, n: i32): f64 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (const end = x + ((<usize>n) << 2); x < end; x += 16) {
    const value = v128.load(x)
    const a = f64x2.promote_low_f32x4(value)
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(value, value, 2, 3, 2, 3))
    low = f64x2.add(low, f64x2.mul(a, a))
    high = f64x2.add(high, f64x2.mul(b, b))
  }
  const sum = f64x2.add(low, high)
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/**
 * One step of the Adam family, and the moving average:
 *
 *   g ← scale·g + l2·p,  m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,
 *   p ← shrink·p − rate·m/(root·√v + eps)      (or p − rate·m where `adaptive` is 0),
 *   ema ← ema + (1 − decay)(p − ema).
 *
 * What is subtracted from 1 comes in float64: the difference would have few digits left in float32.
 */
export function update(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  ema: usize,
  n: i32,
  scale: f32,
  l2: f32,
  shrink: f32,
  beta1: f64,
  beta2: f64,
  rate: f32,
  root: f32,
  eps: f32,
  adaptive: i32,
  decay: f64,
): void {
  const scales = f32x4.splat(scale)
  const l2s = f32x4.splat(l2)
  const shrinks = f32x4.splat(shrink)
  const beta1s = f32x4.splat(<f32>beta1)
  const beta2s = f32x4.splat(<f32>beta2)
  const one1s = f32x4.splat(<f32>(1 - beta1))
  const one2s = f32x4.splat(<f32>(1 - beta2))
  const rates = f32x4.splat(rate)
  const roots = f32x4.splat(root)
  const epss = f32x4.splat(eps)
  const blends = f32x4.splat(<f32>(1 - decay))
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const weight = v128.load(p + i)
    const gradient = f32x4.add(f32x4.mul(v128.load(g + i), scales), f32x4.mul(weight, l2s))
    const first = f32x4.add(f32x4.mul(v128.load(m + i), beta1s), f32x4.mul(gradient, one1s))
    const second = f32x4.add(
      f32x4.mul(v128.load(v + i), beta2s),
      f32x4.mul(f32x4.mul(gradient, gradient), one2s),
    )
    v128.store(m + i, first)
    v128.store(v + i, second)
    let step = f32x4.mul(first, rates)
    if (adaptive) step = f32x4.div(step, f32x4.add(f32x4.mul(f32x4.sqrt(second), roots), epss))
    const next = f32x4.sub(f32x4.mul(weight, shrinks), step)
    v128.store(p + i, next)
    const average = v128.load(ema + i)
    v128.store(ema + i, f32x4.add(average, f32x4.mul(f32x4.sub(next, average), blends)))
  }
}
