/** A model that paints: a folder's weights, and its graphs compiled for the batch sizes that are asked for. */
import { halfProgram } from '@onestroke/core/autoencoder'
import { denoiseProgram } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import { type GraphName, Pipeline, shapeOf } from '@onestroke/core/pipeline'
import type { Executable, Program, Runtime } from '@onestroke/core/tensor'
import { runtimeFor } from '../runtime/index.js'
import { halfWeights } from './autoencoder.js'
import { type LoadedModel, loadModel } from './folder.js'

/** All that a model paints with. */
type Parts = Pick<LoadedModel, 'config' | 'layout' | 'weights' | 'autoencoder'>

/** A graph of a model as a program for batches of one size, and the weights that it takes. */
const graphOf = (
  graph: GraphName,
  { config, layout, weights, autoencoder }: Parts,
  batch: number,
): { program: Program; weights: Readonly<Record<string, Float32Array>> } => {
  switch (graph) {
    case 'denoiser':
      return { program: denoiseProgram(config, batch), weights: layout.unflatten(weights) }
    case 'encoder':
    case 'decoder': {
      if (!autoencoder) throw new RangeError(`this model has no ${graph}`)
      const size = graph === 'encoder' ? shapeOf(config) : config.network
      const program = halfProgram(graph, autoencoder.config.network, batch, size)
      return { program, weights: halfWeights(graph, autoencoder) }
    }
    default:
      return graph satisfies never
  }
}

export class Model extends Pipeline<ModelConfig> {
  constructor(
    /** Where `baked` is false, the denoiser's weights may change between calls. */
    parts: Parts,
    readonly runtime: Runtime = runtimeFor(),
    /** Whether weights become part of the compiled programs, which is faster, or the denoiser's are read anew at each run. */
    readonly baked = true,
  ) {
    const executables = new Map<string, Promise<Executable>>()
    super(parts.config, {
      executable(graph, batch) {
        const key = `${graph} ${batch}`
        const known = executables.get(key)
        if (known) return known
        const { program, weights } = graphOf(graph, parts, batch)
        const constants = baked || graph !== 'denoiser' ? weights : undefined
        const compiled = runtime.compile(program, { constants })
        executables.set(key, compiled)
        return compiled
      },
      ...(!baked && { weights: () => parts.layout.unflatten(parts.weights) }),
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
  static of(loaded: LoadedModel, runtime: Runtime = runtimeFor()): Model {
    return new Model(loaded, runtime)
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
