/** Where the hourglass puts its tokens: seen from outside, by what of the output a pixel of the input can reach. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HourglassConfig, networkLayout } from './index.js'
import { hourglassOf, randomInputs, randomParameters, runNetwork } from './testing.js'

/** Pixels (row and column) in which two pictures [1, C, side, side] differ. */
const differences = (a: Float64Array, b: Float64Array, side: number): Set<string> => {
  const differing = new Set<string>()
  for (const [i, value] of a.entries()) {
    const pixel = i % (side * side)
    if (value !== b[i]) differing.add(`${Math.floor(pixel / side)},${pixel % side}`)
  }
  return differing
}
/** The pixels of the aligned square of a given side around a pixel. */
const squareAround = (row: number, column: number, side: number): Set<string> => {
  const [top, left] = [row - (row % side), column - (column % side)]
  return new Set(
    Array.from({ length: side * side }, (_, i) => `${top + Math.floor(i / side)},${left + (i % side)}`),
  )
}

/** What of the output changes with one pixel of the input. */
const reach = (config: HourglassConfig, row: number, column: number) => {
  const { resolution } = config
  const inputs = randomInputs(config, 1, 1)
  const parameters = randomParameters(config, 2)
  const x = inputs.x!.with(row * resolution + column, 3)
  return differences(
    runNetwork(config, inputs, parameters),
    runNetwork(config, { ...inputs, x }, parameters),
    resolution,
  )
}

const level = (depth: number, window = 2) => ({ width: 4, depth, heads: 2, window })

describe('hourglass', () => {
  it('puts every patch back where it came from', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4), fc.constantFrom(1, 2, 4), fc.nat(99), (grid, p, seed) => {
        // Without blocks, and with the identity for both ends, tokens are only normalised: x/√(mean x² + eps).
        const [channels, side, width] = [2, grid * p, 2 * p * p]
        const identity = Float32Array.from({ length: width ** 2 }, (_, i) => Number(i % (width + 1) === 0))
        const config: HourglassConfig = {
          ...hourglassOf(),
          ...{ resolution: side, channels, patch_size: p },
          levels: [{ width, depth: 0, heads: 1, window: 1 }],
        }
        const layout = networkLayout(config)
        const parameters = {
          ...randomParameters(config, 0),
          'input.weight': identity,
          position: new Float32Array(grid * grid * width),
          'output.weight': identity,
          'output.bias': new Float32Array(width),
        }
        expect(Object.keys(parameters).length).toBe(layout.specs.length)

        const inputs = randomInputs(config, 1, seed)
        const F = runNetwork(config, inputs, parameters)
        for (let pixel = 0; pixel < side * side; pixel++) {
          const [row, column] = [Math.floor(pixel / side), pixel % side]
          const patch = [...squareAround(row, column, p)].map((at) => at.split(',').map(Number))
          const values = [0, 1].flatMap((c) => patch.map(([i, j]) => inputs.x![(c * side + i!) * side + j!]!))
          const rms = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / width + 1e-5)
          for (const c of [0, 1]) {
            const at = c * side * side + pixel
            expect(Math.abs(F[at]! - inputs.x![at]! / rms)).toBeLessThan(1e-6)
          }
        }
      }),
      { numRuns: 15 },
    )
  })

  it('merges squares of four tokens, and has windows that are squares', () => {
    const cases = fc.record({
      levels: fc.integer({ min: 1, max: 3 }),
      window: fc.constantFrom(1, 2, 4),
      blocks: fc.boolean(),
      row: fc.nat(15),
      column: fc.nat(15),
    })
    fc.assert(
      fc.property(cases, ({ levels, window, blocks, row, column }) => {
        const depth = blocks && levels > 1 ? 1 : 0
        const config: HourglassConfig = {
          ...hourglassOf(),
          ...{ resolution: 16, channels: 1 },
          levels: [level(depth, window), level(0), level(0)].slice(0, levels),
        }
        const merged = 2 ** (levels - 1)
        const side = config.patch_size * Math.max(merged, depth ? window : 1)
        expect(reach(config, row, column)).toEqual(squareAround(row, column, side))
      }),
      { numRuns: 20 },
    )
  })

  it('looks at the whole picture at its waist', () => {
    const config: HourglassConfig = { ...hourglassOf(), channels: 1, levels: [level(0), level(1, 1)] }
    expect(reach(config, 5, 2)).toEqual(squareAround(0, 0, 8))
  })
})
