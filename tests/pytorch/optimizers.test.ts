/** Our optimiser in WebAssembly against torch.optim, clip_grad_norm_ and a moving average by lerp. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serializeSafetensors } from '@onestroke/core/formats'
import { describeParameters } from '@onestroke/core/nn'
import { beforeAll, describe, expect, it } from 'vitest'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'
import { nodeRuntime } from '../../packages/onestroke/src/runtime/index.js'
import {
  compileMuon,
  OPTIMIZER_DEFAULTS,
  Optimizer,
  type OptimizerOptions,
} from '../../packages/onestroke/src/training/index.js'
import { distance, generator } from './cases.js'

/** Not a multiple of what a SIMD register or the padding holds. */
const SIZE = 1003
const STEPS = 40
const ERROR = 1e-5
const EMA_DECAY = 0.95

const random = generator(0)
const parameters = random.fillNormal(new Float32Array(SIZE))
/** Their scales differ between weights and steps: about half of the steps are clipped at `CLIP`. */
const gradients = Float32Array.from({ length: STEPS * SIZE }, (_, i) => {
  const [step, weight] = [Math.floor(i / SIZE), i % SIZE]
  return random.normal() * 10 ** (Math.sin(step) - (weight % 4))
})
const CLIP = 15
const learning_rates = Array.from({ length: STEPS }, (_, i) => 0.01 * (1 - i / STEPS))

/** eps is 1e-8, or so large that it matters where it is added. */
const cases: Record<string, OptimizerOptions> = Object.fromEntries(
  (['adam', 'adamw', 'radam'] as const).flatMap((optimizer) =>
    [0, 0.1].flatMap((weight_decay) =>
      [1e-8, 1e-2].map((eps) => [
        `${optimizer}, weight decay ${weight_decay}, eps ${eps}`,
        { ...OPTIMIZER_DEFAULTS, optimizer, weight_decay, eps, clip: CLIP },
      ]),
    ),
  ),
)
cases['adam, not clipped, beta2 0.999'] = { ...OPTIMIZER_DEFAULTS, beta2: 0.999, clip: 0 }
cases['radam, beta2 0.999'] = { ...OPTIMIZER_DEFAULTS, optimizer: 'radam', beta2: 0.999, clip: CLIP }

/** What Muon's parameters begin with; the rest is a bias. */
const MATRICES = [
  [16, 24],
  [25, 16],
  [12, 12],
] as const

const ARRAYS = ['parameters', 'ema', 'exp_avg', 'exp_avg_sq'] as const
type Result = Record<(typeof ARRAYS)[number] | 'norms', ArrayLike<number>>

const ours = async (options: OptimizerOptions): Promise<Result> => {
  const optimizer = new Optimizer(SIZE, options)
  optimizer.parameters.set(parameters)
  optimizer.ema.set(parameters)
  const norms: number[] = []
  for (const [i, rate] of learning_rates.entries()) {
    optimizer.gradient.set(gradients.subarray(i * SIZE, (i + 1) * SIZE))
    const norm = optimizer.gradientNorm()
    await optimizer.step(i + 1, rate, EMA_DECAY, norm)
    norms.push(norm)
  }
  return { ...optimizer, norms }
}

const lacking = pythonLacks('torch', 'safetensors', 'numpy')

describe('the optimiser agrees with torch.optim', () => {
  let theirs: Record<string, Result> = {}
  let theirMuon: number[] = []
  beforeAll(async () => {
    if (lacking) return
    const directory = await mkdtemp(join(tmpdir(), 'onestroke-pytorch-'))
    const path = join(directory, 'gradients.safetensors')
    await writeFile(
      path,
      serializeSafetensors([
        { name: 'parameters', dtype: 'F32', shape: [SIZE], data: parameters },
        { name: 'gradients', dtype: 'F32', shape: [STEPS, SIZE], data: gradients },
      ]),
    )
    const given = Object.entries(cases).map(([name, options]) => [
      name,
      { options, learning_rates, ema_decay: EMA_DECAY },
    ])
    const result = runPython([fileURLToPath(new URL('./optimizers.py', import.meta.url))], {
      path,
      cases: Object.fromEntries(given),
      muon: { shapes: MATRICES, learning_rates, weight_decay: 0.1 },
    }) as { cases: Record<string, Result>; muon: number[] }
    theirs = result.cases
    theirMuon = result.muon
    await rm(directory, { recursive: true })
    const all: number[] = []
    for (const [name, options] of Object.entries(cases)) {
      const mine = await ours(options)
      all.push(...ARRAYS.map((array) => distance(mine[array], theirs[name]![array])))
    }
    console.log(
      `largest distance from torch.optim after ${STEPS} steps: ${Math.max(...all).toExponential(1)}`,
    )
  }, 300_000)

  it.for(Object.entries(cases))('%s', async ([name, options], context) => {
    context.skip(lacking !== undefined, lacking)
    const [mine, torch] = [await ours(options), theirs[name]!]
    for (const array of ARRAYS) expect(distance(mine[array], torch[array]), array).toBeLessThanOrEqual(ERROR)
    expect(distance(mine.norms, torch.norms)).toBeLessThanOrEqual(ERROR)
    const clipped = Array.from(mine.norms).filter((norm) => norm > CLIP).length
    expect(clipped).toBeGreaterThan(STEPS / 4)
    expect(clipped).toBeLessThan((3 * STEPS) / 4)
  })

  // torch.optim.Muon turns its matrices in bfloat16, so a step of theirs is off by a hundredth.
  it('muon', async (context) => {
    context.skip(lacking !== undefined, lacking)
    const layout = describeParameters((scope) => {
      for (const [i, shape] of MATRICES.entries()) scope.at(i).parameter('weight', shape, 'zeros')
      scope.parameter('bias', [SIZE - MATRICES.reduce((sum, [n, m]) => sum + n * m, 0)], 'zeros')
    })
    const muon = await compileMuon(layout, nodeRuntime())
    const options = { ...OPTIMIZER_DEFAULTS, optimizer: 'muon', weight_decay: 0.1, clip: 0 } as const
    const optimizer = new Optimizer(SIZE, options, { muon })
    optimizer.parameters.set(parameters)
    for (const [i, rate] of learning_rates.entries()) {
      optimizer.gradient.set(gradients.subarray(i * SIZE, (i + 1) * SIZE))
      await optimizer.step(i + 1, rate, EMA_DECAY, optimizer.gradientNorm())
    }
    await optimizer.release()
    const moved = theirMuon.map((value, i) => Math.abs(value - parameters[i]!))
    expect(Math.max(...moved)).toBeGreaterThan(0.1)
    for (const [i, value] of theirMuon.entries())
      expect(Math.abs(optimizer.parameters[i]! - value)).toBeLessThan(0.01)
  })
})
