import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { checkpoint, type DeviceArray, grad, type Program, trace } from '@onestroke/core/tensor'
import { describe, expect, it, vi } from 'vitest'
import { nodeRuntime, runtimeFor } from './index.js'

const runtime = nodeRuntime()

const affine = trace({ x: [2, 3], weight: [3, 3], bias: [3] }, ({ x, weight, bias }) => ({
  y: x.matmul(weight).add(bias),
}))
const x = Float32Array.of(1, -2, 3, -4, 5, -6)
const weight = Float32Array.of(0.5, 0, 1, 0, -0.25, 1, 2, 0, 1)
const bias = Float32Array.of(1, 2, 3)
const y = Float32Array.of(7.5, 2.5, 5, -13, 0.75, -2)

describe('nodeRuntime', () => {
  it('gives the same with baked constants as with inputs', async () => {
    const free = await runtime.compile(affine)
    expect(await free.run({ x, weight, bias })).toEqual({ y })
    // A view into a larger array, as the pieces of a flat vector of parameters are.
    const flat = Float32Array.of(9, ...weight, 9)
    const baked = await runtime.compile(affine, { constants: { weight: flat.subarray(1, 10), bias } })
    flat.fill(0)
    expect(await baked.run({ x })).toEqual({ y })
    await Promise.all([free.release(), baked.release()])
  })

  it('writes into the array it is given, run after run', async () => {
    const executable = await runtime.compile(affine)
    const into = { y: new Float32Array(6) }
    expect(await executable.run({ x, weight, bias }, into)).toEqual({ y })
    expect(into.y).toEqual(y)
    await executable.run({ x, weight, bias: bias.map((value) => value + 1) }, into)
    expect(into.y).toEqual(y.map((value) => value + 1))
    await executable.release()
  })

  it('keeps state between runs, in the very arrays that it was given', async () => {
    const [w, sum] = [weight.slice(), new Float32Array(6)]
    const state = { weight: runtime.hold(w), y: runtime.hold(sum), other: runtime.hold(new Float32Array(1)) }
    const executable = await runtime.compile(affine, { constants: { bias }, state })
    // What is state is neither asked for nor returned.
    expect(await executable.run({ x })).toEqual({})
    expect(sum).toEqual(y)
    w.fill(0)
    await executable.run({ x })
    expect(sum).toEqual(Float32Array.of(...bias, ...bias))
    await state.weight.write(weight)
    expect(await state.weight.read()).toBe(w)
    await executable.run({ x })
    expect(await state.y.read()).toEqual(y)
    await expect(state.weight.write(new Float32Array(8))).rejects.toThrow('8 values given, [9] expected')
    await executable.release()
  })

  it('changes state when all is computed from it, and shares it between programs', async () => {
    const [a, b] = [runtime.hold(Float32Array.of(1, 2)), runtime.hold(Float32Array.of(10, 20))]
    const swap = trace({ a: [2], b: [2], by: [1] }, ({ a, b, by }) => ({
      next_a: b.add(by),
      next_b: a.add(by),
      total: a.add(b).sum(),
    }))
    const executable = await runtime.compile(swap, { state: { a, b, next_a: a, next_b: b } })
    const doubled = await runtime.compile(
      trace({ a: [2] }, ({ a }) => ({ twice: a.mul(2) })),
      { state: { a } },
    )
    expect(await executable.run({ by: Float32Array.of(0.5) })).toEqual({ total: Float32Array.of(33) })
    expect([await a.read(), await b.read()]).toEqual([Float32Array.of(10.5, 20.5), Float32Array.of(1.5, 2.5)])
    expect(await doubled.run({})).toEqual({ twice: Float32Array.of(21, 41) })
    await Promise.all([executable.release(), doubled.release()])
  })

  it('refuses state of another size, or of another runtime', async () => {
    const state = { weight: runtime.hold(new Float32Array(8)) }
    await expect(runtime.compile(affine, { state })).rejects.toThrow(
      'state weight: 8 values given, [3, 3] expected',
    )
    const elsewhere = { size: 9 } as DeviceArray
    await expect(runtime.compile(affine, { state: { weight: elsewhere } })).rejects.toThrow(
      'an array of another runtime was given to one that works in host memory',
    )
  })

  it('takes integers and booleans, and gives outputs that are inputs', async () => {
    const program = trace(
      { x: [2, 3], ids: { shape: [2], dtype: 'int64' }, flag: { shape: [], dtype: 'bool' } },
      ({ x, ids, flag }) => ({ rows: flag.where(x.gather(ids), 0), same: x }),
    )
    const executable = await runtime.compile(program)
    const ids = BigInt64Array.of(1n, 0n)
    const rows = Float32Array.of(-4, 5, -6, 1, -2, 3)
    expect(await executable.run({ x, ids, flag: Uint8Array.of(1) })).toEqual({ rows, same: x })
    expect(await executable.run({ x, ids, flag: Uint8Array.of(0) })).toEqual({ rows: rows.fill(0), same: x })
    await executable.release()
  })

  it('names an input that is missing or has the wrong size', async () => {
    const executable = await runtime.compile(affine)
    await expect(executable.run({ x, weight })).rejects.toThrow('input bias: no values given, [3] expected')
    await expect(executable.run({ x, weight, bias: x })).rejects.toThrow(
      'input bias: 6 values given, [3] expected',
    )
    await executable.release()
  })

  it('says why a program cannot be built', async () => {
    await expect(nodeRuntime({ provider: 'abacus' }).compile(affine)).rejects.toThrow(UserError)
  })

  it('is what there is for the only device so far', async () => {
    expect(runtimeFor().name).toMatch(/^onnxruntime-node .* \(cpu\)$/)
    expect(runtimeFor({ device: 'cpu', threads: 1 }).memory).toBe('host')
    expect(() => runtimeFor({ device: 'abacus' })).toThrow('there is no device abacus; there is cpu')
  })

  it('refuses an environment that names no number of threads, unless it is told one', async () => {
    vi.stubEnv('ONESTROKE_THREADS', 'all')
    try {
      await expect(runtime.compile(affine)).rejects.toThrow(
        'ONESTROKE_THREADS must be a number of threads, not "all"',
      )
      await (await nodeRuntime({ threads: 1 }).compile(affine)).release()
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

/** The operators that one run of a program executes, and its outputs. */
const profile = async (program: Program, inputs: Record<string, Float32Array>) => {
  const folder = mkdtempSync(join(tmpdir(), 'onestroke-'))
  try {
    const executable = await nodeRuntime({ profile: join(folder, 'run') }).compile(program)
    const outputs = await executable.run(inputs)
    await executable.release()
    const events: { cat: string; name: string; args: { op_name: string } }[] = JSON.parse(
      readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8'),
    )
    const run = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
    return { outputs, operators: run.map(({ args }) => args.op_name) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('checkpoint', () => {
  /** A network whose middle, or whose beginning, may be a checkpointed block. */
  const program = (block: typeof checkpoint, start: 'inputs' | 'middle') =>
    trace({ x: [2, 3], weight: [3, 3] }, ({ x, weight }) => {
      const h = start === 'inputs' ? x : x.erf()
      const mask = start === 'inputs' ? weight : h.less(0).where(1, weight.slice([0, 0], [2, 3]))
      const y = block(() => h.matmul(weight).tanh().matmul(weight).tanh().add(mask.sum()))
      return { y, gradient: grad(y.square().sin().sum(), [weight])[0]! }
    })

  it.each(['inputs', 'middle'] as const)(
    'is not undone by the optimizer, in a block that begins with %s',
    async (start) => {
      const plain = await profile(
        program((f) => f(), start),
        { x, weight },
      )
      const checkpointed = await profile(program(checkpoint, start), { x, weight })
      const tanhs = (operators: string[]) => operators.filter((name) => name === 'Tanh').length
      expect([tanhs(plain.operators), tanhs(checkpointed.operators)]).toEqual([2, 4])
      expect(checkpointed.outputs.y).toEqual(plain.outputs.y)
      for (const [i, value] of plain.outputs.gradient!.entries())
        expect(checkpointed.outputs.gradient![i]).toBeCloseTo(value, 5)
    },
  )

  it('may look at masks and indices from outside', async () => {
    const masked = (block: typeof checkpoint) =>
      trace({ x: [2, 3], ids: { shape: [2, 1], dtype: 'int64' } }, ({ x, ids }) => {
        const [mask, row] = [x.less(0), ids.slice([0, 0], [1, 1])]
        const y = block(() => mask.where(x.exp(), 2).gather(row).sin())
        return { gradient: grad(y.square().sum(), [x])[0]! }
      })
    const inputs = { x, ids: BigInt64Array.of(1n, 0n) }
    const [plain, checkpointed] = await Promise.all(
      [masked((f) => f()), masked(checkpoint)].map((p) => runtime.compile(p)),
    )
    expect(await checkpointed!.run(inputs)).toEqual(await plain!.run(inputs))
    await Promise.all([plain!.release(), checkpointed!.release()])
  })
})
