/** The derivative rules of every op against finite differences, in float64, through the reference interpreter. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countNodes, interpret } from './index.js'
import { opCases, opTable } from './testing.js'
import { caseProgram, finiteDifferences, listProgram } from './testing-programs.js'

type Results = Record<string, Float64Array>

/** The directions v<i> under the names of the operands x<i>. */
const directionsOf = (values: Readonly<Results>): Results =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, v]) =>
      name.startsWith('v') ? [[name.replace('v', 'x'), v]] : [],
    ),
  )

const flat = (results: Results, list: string): number[] =>
  Object.keys(results)
    .filter((name) => name.replace(/\d+$/, '') === list)
    .flatMap((name) => [...results[name]!])
const norm = (values: readonly number[]): number => Math.hypot(...values)
const distance = (a: readonly number[], b: readonly number[]): number => {
  expect(a.length).toBe(b.length)
  return norm(a.map((value, i) => value - b[i]!))
}
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const dotSize = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value * b[i]!), 0)

describe('every op', () => {
  it('has cases', () => {
    expect([...opTable.keys()].filter((name) => !(name in opCases))).toEqual([])
  })
})

describe.each(Object.keys(opCases))('%s', (name) => {
  const cases = fc.tuple(opCases[name]!, fc.nat())

  it('has derivatives that agree with finite differences and with each other', () => {
    let used = !opTable.has(name)
    fc.assert(
      fc.property(cases, ([one, seed]) => {
        const { inputs, values, results } = caseProgram(one, seed)
        used ||= name in countNodes(listProgram(inputs, { y: results.y }))
        const { y, gradient, ...rest } = results
        const got = interpret(listProgram(inputs, { ...results }), values)
        const v = flat(values, 'v')
        const c = y.flatMap(({ shape }, i) => [
          ...interpret({ inputs, outputs: { c: inputs[`c${i}`]!.broadcastTo(shape) } }, values).c!,
        ])
        const [jvp, vjp] = [flat(got, 'jvp'), flat(got, 'vjp')]

        // The two modes are each other's adjoints, whatever the function.
        expect(Math.abs(dot(c, jvp) - dot(vjp, v))).toBeLessThanOrEqual(
          1e-9 * (dotSize(c, jvp) + dotSize(vjp, v)),
        )
        expect(distance(flat(got, 'hvpForward'), flat(got, 'hvpReverse'))).toBeLessThanOrEqual(
          1e-6 * (norm(flat(got, 'hvpReverse')) + norm(v)),
        )
        for (const list of Object.keys(rest)) for (const value of flat(got, list)) expect(value).not.toBeNaN()
        if (!one.smooth) {
          for (const list of ['jvp', 'vjp', 'hvpForward'])
            for (const value of flat(got, list)) expect(Math.abs(value)).toBe(0)
          return
        }
        const slopes = finiteDifferences(listProgram(inputs, { y, gradient }), values, directionsOf(values))
        const slope = flat(slopes, 'y')
        expect(distance(slope, jvp)).toBeLessThanOrEqual(1e-6 * (norm(slope) + 0.1 * norm(v)))
        expect(Math.abs(dot(c, slope) - dot(vjp, v))).toBeLessThanOrEqual(
          1e-6 * (dotSize(c, slope) + 0.1 * norm(c) * norm(v)),
        )
        const curvature = flat(slopes, 'gradient')
        expect(distance(curvature, flat(got, 'hvpForward'))).toBeLessThanOrEqual(
          1e-5 * (norm(curvature) + norm(v)),
        )
      }),
      { numRuns: 100 },
    )
    expect(used).toBe(true)
  })
})
