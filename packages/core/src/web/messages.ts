/** The messages between a page and its worker. */
import type { SamplerName } from '../diffusion/index.js'
import type { EditOptions, Interpolation, Manifest } from '../pipeline/index.js'

/** Where graphs run, the fastest first: the order in which they are tried. */
export const DEVICES = ['webgpu', 'wasm'] as const
export type Device = (typeof DEVICES)[number]

export interface LoadRequest {
  /** Absolute address of an export's folder or of its manifest. */
  readonly url: string
  /** Tried in this order. */
  readonly devices: readonly Device[]
  /** Threads of wasm, where the page is isolated; 0 lets onnxruntime choose. */
  readonly threads: number
  /** Where onnxruntime's own files are, if not beside the script. */
  readonly runtime: string | undefined
  /** Whether graphs are kept in the Cache API. */
  readonly cache: boolean
}

export interface GenerateRequest extends EditOptions {
  readonly prompts: readonly string[]
  readonly seed: number
  /** One for each picture, instead of `seed`. */
  readonly seeds?: readonly number[]
  readonly steps?: number
  readonly sigmas?: readonly number[]
  readonly guidance_scale?: number
  readonly negative_prompt?: string
  readonly solver?: SamplerName
  readonly to?: Interpolation
  /** Whether the pictures of every step are sent, not only the last ones. */
  readonly previews: boolean
}

export type ToWorker =
  | { readonly type: 'load'; readonly request: LoadRequest }
  | { readonly type: 'generate'; readonly id: number; readonly request: GenerateRequest }
  | { readonly type: 'abort'; readonly id: number }

export type FromWorker =
  | { readonly type: 'progress'; readonly loaded: number; readonly total: number }
  | { readonly type: 'loaded'; readonly manifest: Manifest; readonly device: Device }
  | {
      readonly type: 'pictures'
      readonly id: number
      /** Steps done; the last of them when `last`. */
      readonly step: number
      readonly last: boolean
      /** RGBA bytes of one picture each. */
      readonly pictures: readonly ArrayBuffer[]
      readonly milliseconds: number
    }
  /** It paints no more. */
  | { readonly type: 'ended'; readonly message: string }
  | {
      readonly type: 'error'
      readonly id?: number
      readonly message: string
      readonly remedy?: string | undefined
      readonly option?: string | undefined
    }
