/** A model that paints: a folder's weights, and its graphs compiled for the batch sizes that are asked for. */
import { denoiseProgram } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import type { Layout } from '@onestroke/core/nn'
import { type GraphName, Pipeline } from '@onestroke/core/pipeline'
import type { Executable, Program, Runtime } from '@onestroke/core/tensor'
import { runtimeFor } from '../runtime/index.js'
import { type LoadedModel, loadModel } from './folder.js'

/** A graph of a model as a program for batches of one size. */
const programOf = (graph: GraphName, config: ModelConfig, batch: number): Program => {
  switch (graph) {
    case 'denoiser':
      return denoiseProgram(config, batch)
    default:
      return graph satisfies never
  }
}

export class Model extends Pipeline<ModelConfig> {
  constructor(
    config: ModelConfig,
    readonly layout: Layout,
    /** All weights, flat. May change between calls if `baked` is false. */
    readonly weights: Float32Array,
    readonly runtime: Runtime,
    /** Whether weights become part of the compiled programs, which is faster, or are read anew at each run. */
    readonly baked = true,
  ) {
    const executables = new Map<string, Promise<Executable>>()
    super(config, {
      executable(graph, batch) {
        const key = `${graph} ${batch}`
        const known = executables.get(key)
        if (known) return known
        const constants = baked ? layout.unflatten(weights) : undefined
        const compiled = runtime.compile(programOf(graph, config, batch), { constants })
        executables.set(key, compiled)
        return compiled
      },
      ...(!baked && { weights: () => layout.unflatten(weights) }),
      async release() {
        for (const executable of executables.values()) await (await executable).release()
        executables.clear()
      },
    })
  }

  /** @throws UserError, see `loadModel`. */
  static async load(path: string, runtime: Runtime = runtimeFor()): Promise<Model> {
    return Model.of(await loadModel(path), runtime)
  }
  static of({ config, layout, weights }: LoadedModel, runtime: Runtime = runtimeFor()): Model {
    return new Model(config, layout, weights, runtime)
  }
}

/** Models that are compiled once and shared by several parts of a program. */
export class OpenModels {
  readonly #models = new Map<LoadedModel, Model>()

  of(loaded: LoadedModel): Model {
    const known = this.#models.get(loaded) ?? Model.of(loaded)
    this.#models.set(loaded, known)
    return known
  }

  async release(): Promise<void> {
    for (const model of this.#models.values()) await model.release()
    this.#models.clear()
  }

  /** Calls `work` with open models, or with new ones that are always released afterwards. */
  static async during<T>(
    work: (models: OpenModels) => Promise<T>,
    open: OpenModels | undefined = undefined,
  ): Promise<T> {
    if (open) return work(open)
    const models = new OpenModels()
    try {
      return await work(models)
    } finally {
      await models.release()
    }
  }
}
