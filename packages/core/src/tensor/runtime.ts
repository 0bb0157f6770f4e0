import type { Program } from './program.js'

/** Values of a program's inputs and outputs. Booleans are stored as bytes. */
export type Values = Float32Array | BigInt64Array | Uint8Array

/**
 * An array that stays where a runtime runs its programs: in this process's memory, or in a device's. Several executables can
 * share it.
 */
export interface DeviceArray {
  readonly size: number
  /** Its numbers. Of an array in this process's memory they are the array itself, and not a copy. */
  read(): Promise<Float32Array>
  /** @throws RangeError if there are more numbers than it has, or fewer. */
  write(values: Float32Array): Promise<void>
  /** Frees what the runtime holds. The array must not be used afterwards. */
  release(): Promise<void>
}

/** An array in this process's memory. */
export class HostArray implements DeviceArray {
  /** @param values used as they are, and not copied. */
  constructor(readonly values: Float32Array) {}

  get size(): number {
    return this.values.length
  }
  async read() {
    return this.values
  }
  async write(values: Float32Array) {
    if (values.length !== this.size)
      throw new RangeError(`${values.length} values given, [${this.size}] expected`)
    if (values !== this.values) this.values.set(values)
  }
  async release() {}

  /** @throws TypeError if an array lies elsewhere. */
  static of(array: DeviceArray): HostArray {
    if (array instanceof HostArray) return array
    throw new TypeError('an array of another runtime was given to one that works in host memory')
  }
}

/** A program, ready to run. */
export interface Executable {
  /**
   * Runs once. `inputs` are what is neither a constant nor state; they are read in place and must not change before the promise
   * settles. Outputs named in `into` are written to the given arrays, which must not be inputs of the same run; those that are
   * state go there; the others, which are returned, are freshly allocated.
   *
   * @throws Error naming the input that is missing or has the wrong number of elements.
   */
  run(
    inputs: Readonly<Record<string, Values>>,
    into?: Readonly<Record<string, Float32Array>>,
  ): Promise<Record<string, Float32Array>>
  /** Frees what the runtime holds, the state's arrays excepted. The executable must not be used afterwards. */
  release(): Promise<void>
}

export interface CompileOptions {
  /** See `toOnnx`. */
  readonly constants?: Readonly<Record<string, Float32Array>>
  /**
   * Arrays of this runtime that inputs are read from, and outputs written to, at every run: by the names that the program has for
   * them, where it has them. One array can be both an input and an output: it then changes when all is computed.
   */
  readonly state?: Readonly<Record<string, DeviceArray>>
}

/** Something that runs programs: onnxruntime in Node, in a browser, or an interpreter. */
export interface Runtime {
  readonly name: string
  /** Where its arrays lie. Those in the host's memory can be worked on by the host as well. */
  readonly memory: 'host' | 'device'
  /** An array for its programs that begins as `values`, which it may go on using. */
  hold(values: Float32Array): DeviceArray
  /** @throws RangeError if a constant or an array of the state has not the size that the program expects. */
  compile(program: Program, options?: CompileOptions): Promise<Executable>
}
