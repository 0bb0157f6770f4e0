/** What onnxruntime makes of every op's ONNX form, forwards and in derivatives, against the reference interpreter. */
import { readdirSync } from 'node:fs'
import { interpret, type Program, type Tensor, type Values } from '@onestroke/core/tensor'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generator, opCases, opTable } from '../../../core/src/tensor/testing.js'
import { caseProgram, listProgram } from '../../../core/src/tensor/testing-programs.js'
import { nodeRuntime } from './index.js'

const CASES_PER_OP = 24

/** Float64 values in the form that a tensor's type travels in. */
const valuesFor = ({ dtype }: Tensor, values: Float64Array): Values => {
  if (dtype === 'int64') return BigInt64Array.from(values, BigInt)
  return dtype === 'bool' ? Uint8Array.from(values) : Float32Array.from(values)
}

describe('the op table', () => {
  it('holds every module of ops', () => {
    const modules = readdirSync(new URL('../../../core/src/tensor/ops/', import.meta.url))
    expect(modules.filter((name) => !name.endsWith('.test.ts')).sort()).toEqual([
      'elementwise.ts',
      'linear.ts',
      'normalize.ts',
      'op.ts',
      'shape.ts',
    ])
    expect([...opTable.keys()].filter((name) => !(name in opCases))).toEqual([])
  })
})

describe('onnxruntime agrees with the reference', () => {
  it.each(Object.keys(opCases))('%s', async (name) => {
    // Fresh cases every time; the seed is in the message of a failure.
    const seed = generator(Date.now()).integer(2 ** 31)
    const cases = fc.sample(opCases[name]!, { numRuns: CASES_PER_OP, seed })
    const parts = cases.map((one, i) => caseProgram(one, seed + i, `${i}_`))
    const program: Program = {
      inputs: Object.assign({}, ...parts.map(({ inputs }) => inputs)),
      outputs: Object.assign(
        {},
        ...parts.map(({ inputs, results }, i) => listProgram(inputs, { ...results }, `${i}_`).outputs),
      ),
    }
    const values: Record<string, Float64Array> = Object.assign({}, ...parts.map((part) => part.values))
    const executable = await nodeRuntime().compile(program)
    const got = await executable.run(
      Object.fromEntries(
        Object.entries(values).map(([key, data]) => [key, valuesFor(program.inputs[key]!, data)]),
      ),
    )
    await executable.release()
    for (const [key, expected] of Object.entries(interpret(program, values))) {
      const scale = Math.max(1, ...expected.map(Math.abs))
      const error = Math.max(0, ...expected.map((value, i) => Math.abs(value - got[key]![i]!)))
      expect(error, `seed ${seed}, output ${key}`).toBeLessThanOrEqual(1e-4 * scale)
      expect(got[key]!.length).toBe(expected.length)
    }
  })
})
