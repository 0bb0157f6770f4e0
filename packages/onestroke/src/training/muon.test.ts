import {
  compileMuon,
  conv,
  describeParameters,
  type Layout,
  linear,
  matricesOf,
  networkLayout,
  orthogonalized,
  type Scope,
} from '@onestroke/core/nn'
import { Random } from '@onestroke/core/random'
import { input, trace } from '@onestroke/core/tensor'
import { Matrix, SingularValueDecomposition } from 'ml-matrix'
import { describe, expect, it } from 'vitest'
import { nodeRuntime } from '../runtime/index.js'
import { Optimizer } from './optimizer.js'
import { OPTIMIZER_DEFAULTS, presetNetwork } from './presets.js'

const normals = (size: number, index: number): Float32Array =>
  new Random({ seed: 5, stream: 0, step: 0, index }).fillNormal(new Float32Array(size))

const matrix = (values: ArrayLike<number>, rows: number): Matrix =>
  Matrix.from1DArray(rows, values.length / rows, Array.from(values))

/** The paper's iteration, in float64: a matrix that is no taller than wide → its direction. */
const newtonSchulz = (g: Matrix): Matrix => {
  let X = Matrix.div(g, g.norm('frobenius'))
  for (let i = 0; i < 5; i++) {
    const gram = X.mmul(X.transpose())
    const inner = Matrix.add(Matrix.mul(gram, -4.775), Matrix.mul(gram.mmul(gram), 2.0315))
    X = Matrix.add(Matrix.mul(X, 3.4445), inner.mmul(X))
  }
  return X
}
const directionOf = (g: Matrix): Matrix => {
  const turned = g.rows <= g.columns ? newtonSchulz(g) : newtonSchulz(g.transpose()).transpose()
  return Matrix.mul(turned, 0.2 * Math.sqrt(Math.max(g.rows, g.columns)))
}

/** A map, a tall one, three that lie side by side, a convolution; and what is none: a bias, a depthwise convolution, the ends. */
const network = (scope: Scope) => {
  const x = input('x', [2, 6])
  linear(scope.at('input'), x, 6)
  linear(scope.at('blocks').at('wide'), x, 9, { bias: true })
  linear(scope.at('blocks').at('tall'), x, 2)
  linear(scope.at('blocks').at('qkv'), x, 18)
  const picture = input('picture', [1, 2, 4, 4])
  conv(scope.at('blocks').at('conv'), picture, 3)
  conv(scope.at('blocks').at('depthwise'), picture, 2, { groups: 2 })
  conv(scope.at('output'), picture, 3)
}

/** [from, to] of each map of a matrix, with where its columns begin in it. */
const MAPS: Record<string, readonly [rows: number, columns: number, first: number][]> = {
  'blocks.wide.weight': [[6, 9, 0]],
  'blocks.tall.weight': [[6, 2, 0]],
  'blocks.qkv.weight': [[6, 6, 0], [6, 6, 6], [6, 6, 12]], // biome-ignore format: rows
  'blocks.conv.weight': [[3, 18, 0]],
}

describe('the directions of Muon', () => {
  it('have the singular vectors of the matrix, and singular values near 1, whatever its scale', async () => {
    const g = normals(3 * 8 * 20, 0)
    for (let i = 0; i < 160; i++) g[i]! *= 1e-12
    for (let i = 160; i < 320; i++) g[i]! *= 1e6
    const executable = await nodeRuntime().compile(
      trace({ g: [3, 8, 20] }, ({ g }) => ({ turned: orthogonalized(g) })),
    )
    const { turned } = await executable.run({ g })
    await executable.release()
    for (const first of [0, 160, 320]) {
      const [a, b] = [g, turned!].map((all) => matrix(all.subarray(first, first + 160), 8)) as [
        Matrix,
        Matrix,
      ]
      const { diagonal } = new SingularValueDecomposition(b, { autoTranspose: true })
      expect(Math.min(...diagonal)).toBeGreaterThan(0.65)
      expect(Math.max(...diagonal)).toBeLessThan(1.25)
      // UᵀXV of the matrix's own singular vectors is diagonal.
      const own = new SingularValueDecomposition(a, { autoTranspose: true })
      const middle = own.leftSingularVectors.transpose().mmul(b).mmul(own.rightSingularVectors)
      for (let i = 0; i < 8; i++)
        for (let j = 0; j < 8; j++) if (i !== j) expect(Math.abs(middle.get(i, j))).toBeLessThan(1e-4)
    }
  })

  it('are of the maps between hidden features', () => {
    const names = (layout: Layout) => matricesOf(layout).map(({ name }) => name)
    expect(names(describeParameters(network))).toEqual(Object.keys(MAPS))
    const vocabulary = { kind: 'class' as const, classes: ['cat', 'dog'] }
    for (const preset of ['small', 'unet']) {
      const layout = networkLayout(presetNetwork(preset, { channels: 3, height: 32, width: 32 }, vocabulary))
      const taken = matricesOf(layout).reduce((sum, { size }) => sum + size, 0)
      expect(taken / layout.size).toBeGreaterThan(0.85)
      expect(names(layout).filter((name) => /embedding|position|bias|^input|^output/.test(name))).toEqual([])
    }
  })
})

describe('an optimiser with Muon', () => {
  it('steps its matrices along them, and the rest as AdamW does', async () => {
    const layout = describeParameters(network)
    const options = { ...OPTIMIZER_DEFAULTS, optimizer: 'muon', weight_decay: 0.1, clip: 1 } as const
    const muon = await compileMuon(layout, nodeRuntime())
    const optimizer = new Optimizer(layout.size, options, { muon })
    const adam = new Optimizer(layout.size, { ...options, optimizer: 'adamw' })
    const start = normals(layout.size, 1)
    for (const one of [optimizer, adam]) {
      one.parameters.set(start)
      one.ema.set(start)
    }
    const matrices = matricesOf(layout)
    const expected = new Map(
      matrices.map(({ name, offset, size }) => {
        const values = [...start.subarray(offset, offset + size)]
        return [name, { p: values, ema: [...values], m: values.map(() => 0) }]
      }),
    )
    for (let step = 1; step <= 4; step++) {
      const gradient = normals(layout.size, 1 + step)
      const [rate, decay] = [0.01 / step, 0.9]
      const norm = Math.hypot(...gradient)
      for (const one of [optimizer, adam]) {
        one.gradient.set(gradient)
        await one.step(step, rate, decay, one.gradientNorm())
      }
      for (const { name, offset, shape } of matrices) {
        const { p, ema, m } = expected.get(name)!
        const ahead = m.map((mean, i) => {
          const g = gradient[offset + i]! / norm
          m[i] = 0.95 * mean + 0.05 * g
          return 0.95 * m[i]! + 0.05 * g
        })
        const whole = matrix(ahead, shape[0]!)
        for (const [rows, columns, first] of MAPS[name]!) {
          const direction = directionOf(whole.subMatrix(0, rows - 1, first, first + columns - 1))
          for (let row = 0; row < rows; row++)
            for (let column = 0; column < columns; column++) {
              const i = row * whole.columns + first + column
              p[i] = p[i]! * (1 - rate * 0.1) - rate * direction.get(row, column)
              ema[i]! += (1 - decay) * (p[i]! - ema[i]!)
            }
        }
      }
    }
    for (const spec of layout.specs) {
      const { name, offset, size } = spec
      const mine = (array: Float32Array) => [...array.subarray(offset, offset + size)]
      const known = expected.get(name)
      if (!known) {
        expect(mine(optimizer.parameters)).toEqual(mine(adam.parameters))
        expect(mine(optimizer.ema)).toEqual(mine(adam.ema))
        continue
      }
      for (const [i, value] of mine(optimizer.parameters).entries()) expect(value).toBeCloseTo(known.p[i]!, 5)
      for (const [i, value] of mine(optimizer.ema).entries()) expect(value).toBeCloseTo(known.ema[i]!, 5)
      for (const [i, value] of mine(optimizer.exp_avg).entries()) expect(value).toBeCloseTo(known.m[i]!, 6)
      expect(mine(optimizer.exp_avg_sq).every((value) => value === 0)).toBe(true)
    }
    await optimizer.release()
  })

  it('is asked for by its name and by what it steps with, and not by one of them', async () => {
    expect(() => new Optimizer(4, { ...OPTIMIZER_DEFAULTS, optimizer: 'muon' })).toThrow(
      'optimizer muon needs an orthogonalizer',
    )
    const muon = await compileMuon(describeParameters(network), nodeRuntime())
    expect(() => new Optimizer(4, OPTIMIZER_DEFAULTS, { muon })).toThrow(
      'optimizer adam has no orthogonalizer',
    )
    await muon.release()
  })
})
