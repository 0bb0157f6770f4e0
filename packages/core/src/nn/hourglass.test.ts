/** Where the hourglass puts its tokens: seen from outside, by what of the output a pixel of the input can reach. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HourglassConfig, networkLayout } from './index.js'
import { hourglassOf, randomInputs, randomParameters, runNetwork, seamlessOf, unetOf } from './testing.js'

/** Pixels (row and column) in which two pictures [1, C, height, width] differ; a square is told by its side. */
const differences = (a: Float64Array, b: Float64Array, width: number, height = width): Set<string> => {
  const differing = new Set<string>()
  for (const [i, value] of a.entries()) {
    const pixel = i % (height * width)
    if (value !== b[i]) differing.add(`${Math.floor(pixel / width)},${pixel % width}`)
  }
  return differing
}
/** The pixels from one row and column to another, both of them included. */
const between = (top: number, left: number, bottom: number, right: number): Set<string> => {
  const pixels = new Set<string>()
  for (let row = top; row <= bottom; row++)
    for (let column = left; column <= right; column++) pixels.add(`${row},${column}`)
  return pixels
}

/** The pixels of the aligned square of a given side around a pixel. */
const squareAround = (row: number, column: number, side: number): Set<string> => {
  const [top, left] = [row - (row % side), column - (column % side)]
  return between(top, left, top + side - 1, left + side - 1)
}

/** What of the output changes with one pixel of the input. */
const reach = (config: HourglassConfig, row: number, column: number) => {
  const { height, width } = config
  const inputs = randomInputs(config, 1, 1)
  const parameters = randomParameters(config, 2)
  const x = inputs.x!.with(row * width + column, 3)
  return differences(
    runNetwork(config, inputs, parameters),
    runNetwork(config, { ...inputs, x }, parameters),
    width,
    height,
  )
}

const level = (depth: number, window = 2) => ({ width: 4, depth, heads: 2, window })

describe('an hourglass of squares', () => {
  it('puts every patch back where it came from', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4), fc.constantFrom(1, 2, 4), fc.nat(99), (grid, p, seed) => {
        // Without blocks, and with the identity for both ends, tokens are only normalised: x/√(mean x² + eps).
        const [channels, side, width] = [2, grid * p, 2 * p * p]
        const identity = Float32Array.from({ length: width ** 2 }, (_, i) => Number(i % (width + 1) === 0))
        const config: HourglassConfig = {
          ...hourglassOf(),
          height: side,
          width: side,
          channels,
          patch_size: p,
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
          height: 16,
          width: 16,
          channels: 1,
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

describe('an hourglass of neighbours', () => {
  /** One fine level, and a waist without blocks; a grid of 8×8 tokens of one pixel. */
  const fine = (depth: number, window: number): HourglassConfig => ({
    ...seamlessOf(),
    channels: 1,
    patch_size: 1,
    levels: [
      { width: 8, depth, heads: 2, window },
      { width: 8, depth: 0, heads: 2, window },
    ],
  })

  it('makes each patch of a picture from the tokens around: 3×3 of them, across the borders of merged squares', () => {
    // The pixel's square of 2×2, merged and split, and one token further on every side.
    expect(reach(fine(0, 2), 3, 3)).toEqual(between(1, 1, 4, 4))
    expect(reach(fine(0, 2), 4, 5)).toEqual(between(3, 3, 6, 6))
    expect(reach(fine(0, 2), 0, 0)).toEqual(between(0, 0, 2, 2))
  })

  it('reads four neighbours in each half of a block: two blocks with windows of one token reach so far and no further', () => {
    const config = fine(1, 1)
    // A block on either side, each of two halves that shift by one; merging between; the convolution in the end.
    const reached = reach(config, 3, 4)
    for (const pixel of reached) {
      const [row, column] = pixel.split(',').map(Number) as [number, number]
      expect(Math.abs(row - 3)).toBeLessThanOrEqual(4 + 1 + 1)
      expect(Math.abs(column - 4)).toBeLessThanOrEqual(4 + 1 + 1)
    }
    // Straight ahead, over two borders of merged squares.
    for (const pixel of ['3,0', '0,4', '3,7', '7,4']) expect(reached.has(pixel)).toBe(true)
  })

  it('offsets windows by half on the way up, and does not let the edges of the picture see each other', () => {
    const { levels } = fine(1, 4)
    const config: HourglassConfig = { ...fine(1, 4), levels }
    const inputs = randomInputs(config, 1, 1)
    const shut = (name: string) =>
      (name.includes('down') || name.includes('mlp')) && !name.includes('modulation')
    const still = Object.fromEntries(
      Object.entries(randomParameters(config, 2)).map(([name, values]) => [
        name,
        // Only the attention on the way up still mixes tokens; its own reading of neighbours is cut off.
        shut(name) || name.endsWith('split.weight')
          ? values.map(() => 0)
          : name === 'output.weight'
            ? values.map((value, i) => (i % 9 === 4 ? value : 0))
            : name.endsWith('up.0.qkv.weight')
              ? values.map((value, i) => (Math.floor(i / 24) >= 4 ? value : 0))
              : values,
      ]),
    )
    const reachOf = (row: number, column: number) => {
      const x = inputs.x!.with(row * 8 + column, 3)
      return differences(runNetwork(config, inputs, still), runNetwork(config, { ...inputs, x }, still), 8)
    }
    const square = (top: number, left: number, bottom: number, right: number) =>
      new Set(
        Array.from({ length: 64 }, (_, i) => [Math.floor(i / 8), i % 8] as const)
          .filter(([row, column]) => row >= top && row <= bottom && column >= left && column <= right)
          .map((at) => at.join()),
      )
    // Windows of 4 that begin at 2: 0–1, 2–5, 6–7 along either axis.
    expect(reachOf(3, 4)).toEqual(square(2, 2, 5, 5))
    expect(reachOf(0, 0)).toEqual(square(0, 0, 1, 1))
    expect(reachOf(7, 3)).toEqual(square(6, 2, 7, 5))
    expect(reachOf(1, 6)).toEqual(square(0, 6, 1, 7))
  })

  it('reads the tables of an older network in their own order', () => {
    // With nothing but positions, which are 0 but for one token's: the fourth in Z-order is at row 1, column 1.
    const old: HourglassConfig = { ...hourglassOf(), levels: [level(0)], channels: 1 }
    const parameters = Object.fromEntries(
      Object.entries(randomParameters(old, 3)).map(([name, values]) => [
        name,
        name.startsWith('output') ? values : values.map(() => 0),
      ]),
    )
    const position = parameters.position!.map((_, i) => Number(i >= 3 * 4 && i < 4 * 4))
    const inputs = randomInputs(old, 1, 1)
    const changed = differences(
      runNetwork(old, inputs, parameters),
      runNetwork(old, inputs, { ...parameters, position }),
      8,
    )
    expect(changed).toEqual(squareAround(2, 2, 2))
  })
})

describe('an hourglass of rectangles', () => {
  /** 12×20 tokens of one pixel; windows of at most 8 are 6 tokens high and 5 wide. */
  const wide: HourglassConfig = {
    ...hourglassOf(),
    channels: 1,
    height: 12,
    width: 20,
    patch_size: 1,
    levels: [level(1, 8), level(0)],
  }

  it('has windows of equal sides that fill the grid', () => {
    // The window on the way down, merged squares, and the window on the way up: even columns and odd ones share a square of two.
    const reached = reach(wide, 2, 2)
    expect(reached.has('5,4')).toBe(true)
    expect(reached.has('6,2')).toBe(false)
    const alone: HourglassConfig = { ...wide, levels: [level(0), level(0)] }
    expect(reach(alone, 2, 3)).toEqual(between(2, 2, 3, 3))
  })

  it('looks at the whole picture at its waist', () => {
    const waist: HourglassConfig = { ...wide, levels: [level(0), level(1)] }
    expect(reach(waist, 7, 13)).toEqual(between(0, 0, 11, 19))
  })

  it('offsets windows along both axes on the way up, and does not let the edges of the picture see each other', () => {
    const config: HourglassConfig = {
      ...seamlessOf(),
      channels: 1,
      height: 4,
      width: 8,
      patch_size: 1,
      levels: [
        { width: 8, depth: 1, heads: 2, window: 4 },
        { width: 8, depth: 0, heads: 2, window: 4 },
      ],
    }
    const inputs = randomInputs(config, 1, 1)
    const still = Object.fromEntries(
      Object.entries(randomParameters(config, 2)).map(([name, values]) => {
        const isShut = (name.includes('down') || name.includes('mlp')) && !name.includes('modulation')
        // Only the attention on the way up still mixes tokens; its own reading of neighbours is cut off.
        if (isShut || name.endsWith('split.weight')) return [name, values.map(() => 0)]
        if (name === 'output.weight') return [name, values.map((value, i) => (i % 9 === 4 ? value : 0))]
        if (name.endsWith('up.0.qkv.weight'))
          return [name, values.map((value, i) => (Math.floor(i / 24) >= 4 ? value : 0))]
        return [name, values]
      }),
    )
    const reachOf = (row: number, column: number) => {
      const x = inputs.x!.with(row * 8 + column, 3)
      const [before, after] = [inputs, { ...inputs, x }].map((given) => runNetwork(config, given, still))
      return differences(before!, after!, 8, 4)
    }
    // One window is as high as the picture, and is not moved; across, windows of 4 begin at 2: 0–1, 2–5, 6–7.
    expect(reachOf(1, 3)).toEqual(between(0, 2, 3, 5))
    expect(reachOf(3, 0)).toEqual(between(0, 0, 3, 1))
    expect(reachOf(0, 7)).toEqual(between(0, 6, 3, 7))
  })

  it.each([
    ['hourglass of squares', hourglassOf()],
    ['hourglass of neighbours', seamlessOf()],
    ['unet', unetOf()],
  ])(
    'is a network like any other, as is a %s: pictures in a batch do not meet, and turn with it',
    (_, of) => {
      const config = { ...of, height: 8, width: 12 }
      const inputs = randomInputs(config, 2, 1)
      const parameters = randomParameters(config, 2)
      const F = runNetwork(config, inputs, parameters)
      expect(F.length).toBe(2 * 3 * 8 * 12)
      const first = Object.fromEntries(
        Object.entries(inputs).map(([name, values]) => [name, values.subarray(0, values.length / 2)]),
      )
      expect(runNetwork(config, first, parameters)).toEqual(F.slice(0, F.length / 2))
      // Every pixel matters somewhere.
      const changed = inputs.x!.map((value, i) => value + (i === 95 ? 1 : 0))
      expect(runNetwork(config, { ...inputs, x: changed }, parameters)).not.toEqual(F)
    },
  )
})
