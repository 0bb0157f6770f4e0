import type { Program } from './program.js'

/** Values that go into a program or come out of it. Booleans travel as bytes. */
export type Values = Float32Array | BigInt64Array | Uint8Array

/** A program, ready to run. */
export interface Executable {
  /**
   * Runs once. `inputs` are read in place and must not change before the promise settles. Outputs named in `into` are
   * written to the given arrays, which must not be inputs of the same run; the others are freshly allocated.
   *
   * @throws Error naming the input that is missing or has the wrong number of elements.
   */
  run(
    inputs: Readonly<Record<string, Values>>,
    into?: Readonly<Record<string, Float32Array>>,
  ): Promise<Record<string, Float32Array>>
  /** Frees what the runtime holds. The executable must not be used afterwards. */
  release(): Promise<void>
}

/** Something that runs programs: onnxruntime in Node, in a browser, or an interpreter. */
export interface Runtime {
  readonly name: string
  /** @param constants see `toOnnx`. */
  compile(program: Program, constants?: Readonly<Record<string, Float32Array>>): Promise<Executable>
}
