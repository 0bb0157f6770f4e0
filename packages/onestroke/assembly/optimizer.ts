// The optimiser's inner loops, compiled to WebAssembly SIMD by AssemblyScript: one pass over memory a step.
// Arrays are float32 and flat. `n` counts elements; those that fill no register are computed one by one, with the same rounding.

/** Sum of squares in float64, in a fixed order. n is a multiple of four. */
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
  const end: usize = (<usize>n) << 2
  let i: usize = 0
  for (; i + 16 <= end; i += 16) {
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
  for (; i < end; i += 4) {
    const weight = load<f32>(p + i)
    const gradient = load<f32>(g + i) * scale + weight * l2
    const first = load<f32>(m + i) * <f32>beta1 + gradient * <f32>(1 - beta1)
    const second = load<f32>(v + i) * <f32>beta2 + gradient * gradient * <f32>(1 - beta2)
    store<f32>(m + i, first)
    store<f32>(v + i, second)
    let step = first * rate
    if (adaptive) step /= sqrt<f32>(second) * root + eps
    const next = weight * shrink - step
    store<f32>(p + i, next)
    const average = load<f32>(ema + i)
    store<f32>(ema + i, average + (next - average) * <f32>(1 - decay))
  }
}

/** Momentum, m ← βm + (1−β)·scale·g, and in g's place a look one step ahead (Nesterov): βm + (1−β)·scale·g. */
export function momentum(g: usize, m: usize, n: i32, scale: f32, beta: f64): void {
  const keep = <f32>beta
  const share = <f32>(1 - beta)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 4) {
    const fresh = load<f32>(g + i) * scale * share
    const mean = load<f32>(m + i) * keep + fresh
    store<f32>(m + i, mean)
    store<f32>(g + i, mean * keep + fresh)
  }
}

/** A step along `d`, and the moving average: p ← shrink·p − rate·d, ema ← ema + (1 − decay)(p − ema). */
export function follow(p: usize, d: usize, ema: usize, n: i32, shrink: f32, rate: f32, decay: f64): void {
  const blend = <f32>(1 - decay)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 4) {
    const next = load<f32>(p + i) * shrink - load<f32>(d + i) * rate
    store<f32>(p + i, next)
    const average = load<f32>(ema + i)
    store<f32>(ema + i, average + (next - average) * blend)
  }
}
