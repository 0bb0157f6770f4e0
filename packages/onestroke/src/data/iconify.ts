/** Icon sets of @iconify-json: pictures with names, as npm packages. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { type PictureSize, square } from '@onestroke/core/picture'
import { z } from 'zod'
import { Collector } from './collector.js'
import { byCodeUnit, type Dataset, type LoadOptions, sealed, spread } from './dataset.js'
import { DECODERS, decode } from './decode.js'
import { inOrder } from './in-order.js'
import { isSkinToneVariant } from './skin-tones.js'

const DEFAULT_RESOLUTION = square(32)

const number = z.number().optional()
const placement = { left: number, top: number, width: number, height: number }
const iconSet = z.object({
  ...placement,
  icons: z.record(z.string(), z.object({ ...placement, body: z.string(), hidden: z.boolean().optional() })),
})
const information = z.object({
  license: z.object({ title: z.string(), spdx: z.string().optional() }).optional(),
})
const metadata = z.object({ categories: z.record(z.string(), z.array(z.string())).optional() })

interface Icon {
  /** `set/name`: unique, and what the icons are sorted by. */
  file: string
  caption: string
  style: string
  svg: string
}

/**
 * Draws the icons of one or several installed sets over white. A picture's caption is the icon's name in words
 * ("red heart"). With several sets, it also has a style: the first word of its set's name ("noto"), or all of it where
 * first words are the same. Variants in skin tone, hidden icons and aliases are left out.
 *
 * @param sets names of sets, separated by commas: `fluent-emoji-flat,noto`.
 * @param name of the dataset, to which the categories are added that were kept.
 * @throws UserError if a set is not installed or a category does not exist.
 */
export const loadIconify = async (
  sets: string,
  name: string,
  options: LoadOptions = {},
): Promise<Dataset> => {
  const resolution = options.resolution ?? DEFAULT_RESOLUTION
  const prefixes = [...new Set(sets.split(',').map((set) => set.trim()))].sort(byCodeUnit)
  const packages = await Promise.all(prefixes.map(readSet))
  const categories = chosenCategories(packages, options.category)
  const keep = categoryFilter(packages, categories)
  const firstWords = prefixes.map((prefix) => prefix.split('-')[0]!)
  const styles = new Set(firstWords).size === prefixes.length ? firstWords : prefixes.map(wordsOf)
  const all = packages.flatMap((set, i) => iconsOf(set, keep, styles[i]!, resolution))
  const icons = spread(all, options.limit)

  const collector = new Collector(
    name,
    { ...options, channels: options.channels ?? 3, resolution },
    icons.length,
  )
  const decoding = { resolution, channels: options.channels ?? 3 } as const
  const outcomes = inOrder(icons, DECODERS, async ({ file, svg }) => ({
    file,
    outcome: await decode(async () => Buffer.from(svg), decoding),
  }))
  for await (const { file, outcome } of outcomes) {
    collector.add(file, outcome)
    options.onProgress?.(collector.seen, icons.length)
  }
  const { files, ...pictures } = collector.finish()
  const byFile = new Map(icons.map((icon) => [icon.file, icon]))
  const drawn = files.map((file) => byFile.get(file)!)
  const filtered = categories.length > 0 ? ` (${categories.join(', ')})` : ''
  const licenses = new Set(packages.map(({ license }) => license))
  return sealed({
    name: name + filtered,
    ...pictures,
    ...(!licenses.has(undefined) && { license: [...licenses].join(' AND ') }),
    names: drawn.map(({ caption }) => caption),
    namesFrom: 'the names of the icons',
    ...(prefixes.length > 1 && { styles: drawn.map(({ style }) => style) }),
  })
}

interface IconSet extends z.infer<typeof iconSet> {
  prefix: string
  categories: Record<string, string[]>
  license: string | undefined
}

const readSet = async (prefix: string): Promise<IconSet> => {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(prefix))
    throw new UserError(`"${prefix}" is not the name of an icon set`, {
      option: 'data',
      remedy: 'name sets as in iconify:fluent-emoji-flat or iconify:fluent-emoji-flat,noto',
    })
  const path = `@iconify-json/${prefix}`
  const iconFile = resolve(`${path}/icons.json`)
  if (!iconFile)
    throw new UserError(`the icon set ${path} is not installed`, { remedy: `npm install ${path}` })
  const metadataFile = resolve(`${path}/metadata.json`)
  const informationFile = resolve(`${path}/info.json`)
  const icons = await readJson(iconFile, iconSet)
  const { categories = {} } = metadataFile ? await readJson(metadataFile, metadata) : {}
  const { license } = informationFile ? await readJson(informationFile, information) : {}
  return { prefix, ...icons, categories, license: license?.spdx ?? license?.title }
}

/** From the user's folder, then from this package. */
const resolve = (path: string): string | undefined => {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve(path)
    } catch {}
  }
  return undefined
}

const readJson = async <T>(file: string, schema: z.ZodType<T>): Promise<T> => {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    throw new UserError(`${file} is not an icon set of iconify`, { cause })
  }
}

/**
 * The sets' own names of the `wanted` categories, sorted.
 *
 * @throws UserError that lists the categories there are, if one is unknown.
 */
const chosenCategories = (sets: readonly IconSet[], wanted: readonly string[] = []): string[] => {
  const known = [...new Set(sets.flatMap(({ categories }) => Object.keys(categories)))].sort(byCodeUnit)
  for (const category of wanted) {
    if (known.some((name) => sameLetters(name, category))) continue
    const where = sets.map(({ prefix }) => prefix).join(', ')
    throw new UserError(`${where} has no category "${category}"`, {
      option: 'category',
      remedy:
        known.length > 0 ? `its categories are ${known.join(', ')}` : 'it is not divided into categories',
    })
  }
  return known.filter((name) => wanted.some((category) => sameLetters(name, category)))
}

/** Which icons of a set are in one of the categories: all of them, if there are none. */
const categoryFilter = (
  sets: readonly IconSet[],
  chosen: readonly string[],
): ((set: IconSet, icon: string) => boolean) => {
  if (chosen.length === 0) return () => true
  const kept = new Map(
    sets.map(({ prefix, categories }) => [
      prefix,
      new Set(chosen.flatMap((name) => (Object.hasOwn(categories, name) ? categories[name]! : []))),
    ]),
  )
  return ({ prefix }, icon) => kept.get(prefix)!.has(icon)
}

const sameLetters = (a: string, b: string) => a.trim().toLowerCase() === b.trim().toLowerCase()

const wordsOf = (name: string) => name.replaceAll('-', ' ')

const iconsOf = (
  set: IconSet,
  keep: (set: IconSet, icon: string) => boolean,
  style: string,
  resolution: PictureSize,
): Icon[] => {
  const { prefix, icons } = set
  const all = new Set(Object.keys(icons))
  return Object.entries(icons)
    .filter(([name, { hidden }]) => !hidden && !isSkinToneVariant(name, all) && keep(set, name))
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([name, icon]) => ({
      file: `${prefix}/${name}`,
      caption: wordsOf(name),
      style,
      svg: svgOf(
        {
          left: icon.left ?? set.left,
          top: icon.top ?? set.top,
          width: icon.width ?? set.width,
          height: icon.height ?? set.height,
          body: icon.body,
        },
        resolution,
      ),
    }))
}

/** A drawing of a size, with the whole icon in its middle. 16 × 16 is what iconify's format takes icons for that do not say. */
const svgOf = (
  { left = 0, top = 0, width = 16, height = 16, body }: Omit<IconSet['icons'][string], 'hidden'>,
  size: PictureSize,
): string => {
  const namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
  return `<svg ${namespaces} width="${size.width}" height="${size.height}" viewBox="${left} ${top} ${width} ${height}">${body}</svg>`
}
