import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AUTOENCODERS, factorOf } from '@onestroke/core/autoencoder'
import { PREDICTIONS, pathAbout } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import { isAutoencoder } from '@onestroke/core/formats'
import { NETWORKS } from '@onestroke/core/nn'
import {
  isSameSize,
  type StoredSize,
  sized,
  sizeOption,
  sizeText,
  square,
  storedSize,
} from '@onestroke/core/picture'
import { type Recipe, readRecipe, shapeOf } from '@onestroke/core/pipeline'
import { pointsOf } from '@onestroke/core/space'
import type { Vocabulary } from '@onestroke/core/text'
import { Command } from 'commander'
import pc from 'picocolors'
import { abbreviate, type Dataset, isPictureName, NoCommonSize, summaryOf } from '../data/index.js'
import { readBytes } from '../formats/index.js'
import {
  autoencoderFolder,
  isDiffusersAutoencoder,
  isOfDiffusers,
  type LoadedAutoencoder,
  type LoadedModel,
  loadAutoencoder,
  loadModel,
  PIPELINE_FILE,
  readConfig,
  readConfigFile,
} from '../model/index.js'
import { CONFIG_FILE, PLAN_FILE } from '../run-files.js'
import { hasState, isTrainable, readPlan, readProgress, trainableSize } from '../training/index.js'
import { DATA_HELP, type DataFlags, dataOptions } from './data-options.js'
import { openDataToLearn } from './open-data.js'
import { duration, printable } from './terminal.js'

export const infoCommand = (): Command =>
  dataOptions(
    new Command('info')
      .description('say what a model folder, a folder of models or DATA holds, or how a PNG was painted')
      .argument('<MODEL|DATA|PNG>', 'model folder, run folder, pictures, or one PNG that onestroke painted'),
  )
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', DATA_HELP)
    .action(async (target: string, flags: DataFlags & { json?: boolean }) => {
      const facts = [CONFIG_FILE, PIPELINE_FILE].some((file) => existsSync(join(target, file)))
        ? await modelFacts(target)
        : existsSync(join(target, PLAN_FILE))
          ? await runFacts(target)
          : isPictureName(target) && (await isFile(target))
            ? await pictureFacts(target)
            : ((await modelsFacts(target)) ?? (await dataFacts(target, flags)))
      if (flags.json) console.log(JSON.stringify(facts, null, 2))
      else
        for (const [name, value] of Object.entries(facts))
          if (value !== undefined)
            console.log(`${pc.bold(name.padEnd(14))} ${printable(readable(value, name))}`)
    })

const modelFacts = async (path: string): Promise<object> => {
  const [json] = await readConfigFile(autoencoderFolder(path))
  return isAutoencoder(json) || isOfDiffusers(json)
    ? autoencoderFacts(await loadAutoencoder(path))
    : painterFacts(await loadModel(path))
}

const autoencoderFacts = ({ path, config, layout, sha256 }: LoadedAutoencoder) => {
  const { network, provenance, imported } = config
  const { channels, latent_channels, latents_mean, latents_std } = network
  const about = `${network.type} (${AUTOENCODERS[network.type].about})`
  const factor = factorOf(network)
  return {
    path,
    kind: config.kind,
    parameters: layout.size,
    network: provenance ? `${about}, preset ${provenance.preset}` : about,
    imported: imported && [imported.class_name, 'of', imported.from, imported.version ?? ''].join(' ').trim(),
    channels,
    factor,
    latent_channels,
    compression: `${(channels * factor ** 2) / latent_channels} numbers of a picture for each of the latents`,
    latents_mean,
    latents_std,
    data: provenance?.data.name,
    images_seen: provenance?.images_seen,
    seconds: provenance?.seconds,
    sha256,
    versions: provenance?.versions,
  }
}

const painterFacts = ({ path, config, layout, sha256 }: LoadedModel) => {
  const { network, vocabulary, provenance, method, sampling } = config
  const shape = shapeOf(config)
  return {
    path,
    kind: config.kind,
    parameters: layout.size,
    network: `${network.type} (${NETWORKS[network.type].about}), preset ${provenance.preset}`,
    resolution: storedSize(shape),
    channels: shape.channels,
    space: spaceText(config),
    condition: promptsText(vocabulary),
    prediction: `${config.prediction}: ${PREDICTIONS[config.prediction].about}`,
    noise_path: `${config.path.kind}: ${pathAbout(config.path)}`,
    noise: `sigma ${config.sigma_min} to ${config.sigma_max}`,
    sampling,
    method: method.name,
    data: provenance.data.name,
    images_seen: provenance.images_seen,
    seconds: provenance.seconds,
    parent: provenance.parent,
    init_from: provenance.init_from,
    sha256,
    versions: provenance.versions,
  }
}

const spaceText = (config: LoadedModel['config']): string => {
  const { space } = config
  switch (space.kind) {
    case 'pixels':
      return 'pixels'
    case 'latents': {
      const { shape } = pointsOf(space, shapeOf(config))
      return `latents of ${sizeText(shape)} with ${shape.channels} channels, by the autoencoder in its folder`
    }
    default:
      return space satisfies never
  }
}

const promptsText = (vocabulary: Vocabulary): string => {
  switch (vocabulary.kind) {
    case 'none':
      return 'none'
    case 'class':
      return `classes: ${vocabulary.classes.join(', ')}`
    case 'text':
      return `prompts (${vocabulary.words.length} words; others by their spelling)`
    default:
      return vocabulary satisfies never
  }
}

const isFile = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true
}

/** How a picture was painted. @throws UserError if the file does not tell. */
const pictureFacts = async (path: string): Promise<object> => {
  const recipe = readRecipe(await readBytes(path, 'picture'))
  if (!recipe)
    throw new UserError(`${path} does not tell how it was painted`, {
      remedy: 'only a PNG that onestroke wrote does; for data, give their folder',
    })
  return { kind: recipe.edit ? 'edited picture' : 'picture', ...recipe }
}

const runFacts = async (path: string) => {
  const { command, preset, method, data, batch } = await readPlan(join(path, PLAN_FILE))
  const progress = await readProgress(path)
  return {
    path,
    kind: 'unfinished run',
    command,
    preset,
    method,
    data: data.spec,
    images_seen: (progress?.step ?? 0) * batch,
    images: progress?.images || null,
    seconds: progress?.seconds ?? 0,
    loss: progress?.log.at(-1)?.loss ?? null,
    resumable: hasState(path),
  }
}

/** A model or a run in a folder. */
interface Inside {
  readonly name: string
  readonly kind: 'teacher' | 'student' | 'autoencoder' | 'unfinished run'
  readonly resolution?: StoredSize
}

/** The models and runs that are the sub-folders of a folder; undefined if none is. */
const modelsFacts = async (path: string): Promise<object | undefined> => {
  const names = await readdir(path).catch(() => [] as string[])
  const models: Inside[] = []
  for (const name of names.sort()) {
    const inside = join(path, name)
    if (existsSync(join(inside, CONFIG_FILE))) {
      // Another program's config, or a damaged one, makes no model.
      const json = await readConfigFile(inside).then(
        ([json]) => json,
        () => undefined,
      )
      const config = await readConfig(inside).catch(() => undefined)
      if (isAutoencoder(json) || isDiffusersAutoencoder(json)) models.push({ name, kind: 'autoencoder' })
      else if (config) models.push({ name, kind: config.kind, resolution: storedSize(shapeOf(config)) })
    } else if (existsSync(join(inside, PLAN_FILE))) models.push({ name, kind: 'unfinished run' })
  }
  return models.length > 0 ? { path, kind: 'folder of models', models } : undefined
}

/** The size to which pictures are scaled that have no common one, to be counted. */
const ANY_SIZE = square(8)

const dataFacts = async (spec: string, flags: DataFlags): Promise<object> => {
  try {
    return factsOf(await openDataToLearn(spec, flags))
  } catch (error) {
    if (!(error instanceof NoCommonSize)) throw error
    const {
      height: _,
      width: __,
      sha256: ___,
      ...facts
    } = factsOf(await openDataToLearn(spec, { ...flags, resolution: ANY_SIZE }))
    return {
      ...facts,
      needs: 'one size for all: train scales and crops them with --resolution 32, for instance',
    }
  }
}

const factsOf = (dataset: Dataset) => {
  const { name, count, channels, height, width, sizes, names, classes, skipped, warnings, sha256, test } =
    dataset
  const wasScaled = sizes && [sizes.smallest, sizes.largest].some((size) => !isSameSize(size, dataset))
  return {
    kind: 'data',
    name,
    found: summaryOf(dataset),
    pictures: count,
    channels,
    height,
    width,
    ...(wasScaled && { sizes }),
    ...(!isTrainable(dataset) && {
      needs: `a size that networks take: train takes --resolution ${sizeOption(trainableSize(dataset))}, for instance`,
    }),
    captions: names?.slice(0, 5).map((caption) => abbreviate(caption)),
    classes,
    test_pictures: test?.count,
    skipped,
    warnings,
    sha256,
  }
}

const readable = (value: unknown, name: string): string => {
  if (Array.isArray(value) && value.length === 0) return 'none'
  if (value === null) return 'not known yet'
  if (name === 'edit') return editText(value as NonNullable<Recipe['edit']>)
  if (name === 'sizes') return sizesText(value as NonNullable<Dataset['sizes']>)
  if (name === 'models') return (value as Inside[]).map(insideText).join(', ')
  if (name === 'resolution') return resolutionText(value as StoredSize)
  if (typeof value === 'number') return name === 'seconds' ? duration(value) : value.toLocaleString('en')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `strength 1, of cat.png (sha256 …), mask mouth.png (sha256 …)`. */
const editText = ({ strength, picture, mask }: NonNullable<Recipe['edit']>): string => {
  const file = ({ name, sha256 }: typeof picture) => `${name} (sha256 ${sha256})`
  const parts = [`of ${file(picture)}`, mask ? `mask ${file(mask)}` : 'no mask']
  return [...(strength === undefined ? [] : [`strength ${strength}`]), ...parts].join(', ')
}

/** `640×480 to 4000×3000`. */
const sizesText = ({ smallest, largest }: NonNullable<Dataset['sizes']>): string => {
  const [from, to] = [sizeText(smallest), sizeText(largest)]
  return from === to ? from : `${from} to ${to}`
}

/** `emoji-32-student (student, 32×32)`. */
const insideText = ({ name, kind, resolution }: Inside): string =>
  `${name} (${kind}${resolution === undefined ? '' : `, ${resolutionText(resolution)}`})`

/** `32×32`, or `384×256`: width before height. */
const resolutionText = (resolution: StoredSize): string => sizeText(sized({ resolution }))
