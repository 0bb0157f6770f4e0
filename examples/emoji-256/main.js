/**
 * Makes a folder of emoji with captions, as anybody may have it: pictures of 256×256 on white, and a `metadata.jsonl`. An emoji
 * has a picture in each of three styles, so that a prompt leaves something to choose:
 *
 *     3d       Microsoft's Fluent Emoji, modelled     @lobehub/fluent-emoji-3d (pictures of 256×256)
 *     fluent   Microsoft's Fluent Emoji, drawn flat   @iconify-json/fluent-emoji-flat (drawings)
 *     noto     Google's Noto Emoji                    @iconify-json/noto (drawings)
 *
 * All three are keyed by code points, and noto says what each is called and in which category it is. What has no name there is left
 * out: the flags of countries. Equal options make equal bytes.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'

const HELP = `npm run emoji-256 -- --out DIR [options]

  --out DIR         where the pictures go: a new or empty folder, or one that this made
  --size PIXELS     side of a picture, 16 to 1024 (256)
  --styles NAMES    some of 3d,fluent,noto (all)
  --category NAMES  only these, as in "Food & Drink,Animals & Nature"
  --styled WHICH    captions that end in the style: of one picture of each name, all or none (one)
  --skin-tones      variants in skin tones, too`

/** @typedef {{ name: string, style: Style, file: string, draw(size: number): import('sharp').Sharp }} Picture */
/** @typedef {keyof typeof STYLES} Style */
/** @typedef {{ left?: number, top?: number, width?: number, height?: number }} Place */
/** @typedef {Place & { icons: Record<string, Place & { body: string }> }} IconSet */

/** What is wrong with what was asked for. */
class Refusal extends Error {}

const { resolve } = createRequire(import.meta.url)

/** @returns {Promise<any>} */
const json = async (/** @type {string} */ file) => JSON.parse(await readFile(resolve(file), 'utf8'))

/**
 * The code points of an emoji as iconify writes them: four digits or more, and nothing that asks for colour.
 *
 * @param {string} codes with - between them
 */
const keyOf = (codes) =>
  codes
    .split('-')
    .map((code) => code.padStart(4, '0'))
    .filter((code) => code !== 'fe0f')
    .join('-')

/** A set of drawings: by code points, what draws them. @returns {() => Promise<Map<string, Picture['draw']>>} */
const drawings = (/** @type {string} */ prefix) => async () => {
  /** @type {IconSet} */
  const set = await json(`@iconify-json/${prefix}/icons.json`)
  /** @type {Record<string, string>} */
  const names = await json(`@iconify-json/${prefix}/chars.json`)
  return new Map(
    Object.entries(names).map(([codes, name]) => [
      keyOf(codes),
      (size) => sharp(Buffer.from(svgOf({ ...placeOf(set), ...set.icons[name] }, size))),
    ]),
  )
}

/** 16×16 is what iconify's format takes icons for that do not say. @param {Place} set */
const placeOf = ({ left = 0, top = 0, width = 16, height = 16 }) => ({ left, top, width, height })

/**
 * @param {Place & { body?: string }} icon
 * @param {number} size
 */
const svgOf = ({ left, top, width, height, body }, size) => {
  const namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
  return `<svg ${namespaces} width="${size}" height="${size}" viewBox="${left} ${top} ${width} ${height}">${body}</svg>`
}

/** Pictures in files that are named by code points. @returns {Promise<Map<string, Picture['draw']>>} */
const files = async () => {
  const folder = join(dirname(resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets')
  const found = (await readdir(folder)).filter((file) => file.endsWith('.webp')).sort()
  return new Map(
    found.map((file) => [
      keyOf(file.slice(0, -'.webp'.length)),
      (size) => sharp(join(folder, file)).resize(size, size, { fit: 'contain', background: '#fff' }),
    ]),
  )
}

const STYLES = { '3d': files, fluent: drawings('fluent-emoji-flat'), noto: drawings('noto') }
const SKIN_TONE = /1f3f[b-f]/
/** A letter of a flag. */
const FLAG = /1f1(?:e[6-9a-f]|f[0-9a-f])/

/**
 * Every emoji that is asked for in every style that has it, by name and then by style.
 *
 * @param {readonly Style[]} styles
 * @param {readonly string[]} wanted categories; all if there are none
 * @param {boolean} skinTones
 */
const picturesOf = async (styles, wanted, skinTones) => {
  /** @type {Record<string, string>} */
  const names = await json('@iconify-json/noto/chars.json')
  const kept = await iconsIn(wanted)
  const chosen = Object.entries(names)
    .filter(([codes, icon]) => kept(icon) && !FLAG.test(codes) && (skinTones || !SKIN_TONE.test(codes)))
    .sort(([, a], [, b]) => (a < b ? -1 : 1))
  const sets = await Promise.all(
    styles.map(async (style) => /** @type {const} */ ([style, await STYLES[style]()])),
  )
  return chosen.map(([codes, icon]) =>
    sets.flatMap(([style, set]) => {
      const draw = set.get(keyOf(codes))
      return draw ? [{ name: icon.replaceAll('-', ' '), style, file: `${icon}-${style}.png`, draw }] : []
    }),
  )
}

/** Whether an icon of noto is in one of these categories. */
const iconsIn = async (/** @type {readonly string[]} */ wanted) => {
  /** @type {{ categories: Record<string, string[]> }} */
  const { categories } = await json('@iconify-json/noto/metadata.json')
  const icons = wanted.flatMap((category) => {
    const found = Object.keys(categories).find((name) => name.toLowerCase() === category.toLowerCase())
    if (found === undefined)
      throw new Refusal(`there is no category "${category}"; there are ${Object.keys(categories).join(', ')}`)
    return categories[found]
  })
  const kept = new Set(icons)
  return (/** @type {string} */ icon) => wanted.length === 0 || kept.has(icon)
}

/**
 * What the pictures of one name are called. Where one of several says its style, each style has its turn, and the other pictures share
 * the name alone.
 *
 * @param {readonly Picture[]} pictures
 * @param {number} turn
 * @param {string} styled
 */
const captionsOf = (pictures, turn, styled) =>
  pictures.map(({ name, style }, i) => {
    const says = styled === 'all' || (styled === 'one' && i === turn % pictures.length)
    return says ? `${name} ${style}` : name
  })

/** Says where the pictures come from; and its head, that a folder is ours. */
const ABOUT = 'README.md'
const HEAD = '# Emoji, made by onestroke’s examples/emoji-256\n'
const ORIGINS = `${HEAD}
\`3d\` and \`fluent\` are Microsoft's Fluent Emoji (MIT), by way of @lobehub/fluent-emoji-3d and @iconify-json/fluent-emoji-flat; \`noto\` is
Google's Noto Emoji (Apache 2.0), by way of @iconify-json/noto.
`
const TABLE = 'metadata.jsonl'

/** Empties a folder that this script made, and refuses any other that holds something. */
const makeRoom = async (/** @type {string} */ out) => {
  await mkdir(out, { recursive: true })
  const found = await readdir(out)
  if (found.length === 0) return
  const about = found.includes(ABOUT) ? await readFile(join(out, ABOUT), 'utf8') : ''
  if (!about.startsWith(HEAD))
    throw new Refusal(`${out} is not empty, and was not made by this script: choose another --out`)
  const table = found.includes(TABLE) ? await readFile(join(out, TABLE), 'utf8') : ''
  for (const line of table.split('\n').filter((line) => line !== ''))
    await rm(join(out, JSON.parse(line).file_name), { force: true })
}

/** Pictures that are drawn at a time. */
const DRAWN_AT_ONCE = 4

/**
 * Writes the pictures, on white. PNG, because it is read in half the time of lossless WebP; filters chosen row by row make it a quarter
 * smaller, and no slower to read.
 *
 * @param {string} out
 * @param {readonly Picture[]} pictures
 * @param {number} size
 */
const write = async (out, pictures, size) => {
  let written = 0
  const queue = pictures.values()
  const writeSome = async () => {
    for (const { file, draw } of queue) {
      const picture = draw(size).flatten({ background: '#fff' }).png({ adaptiveFiltering: true })
      await picture.toFile(join(out, file))
      written++
      if (process.stderr.isTTY) process.stderr.write(`\r${written}/${pictures.length} pictures`)
    }
  }
  await Promise.all(Array.from({ length: DRAWN_AT_ONCE }, writeSome))
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

/** @returns what was asked for. @throws Refusal */
const asked = () => {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      size: { type: 'string', default: '256' },
      styles: { type: 'string', default: Object.keys(STYLES).join(',') },
      category: { type: 'string', default: '' },
      styled: { type: 'string', default: 'one' },
      'skin-tones': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const list = (/** @type {string} */ names) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
  const { out, styled, help, 'skin-tones': skinTones } = values
  const [size, wanted, categories] = [Number(values.size), list(values.styles), list(values.category)]
  if (help) return undefined
  if (out === undefined) throw new Refusal('--out DIR is missing')
  if (!(Number.isInteger(size) && size >= 16 && size <= 1024))
    throw new Refusal(`--size is a whole number from 16 to 1024, not "${values.size}"`)
  const styles = /** @type {Style[]} */ (Object.keys(STYLES)).filter((style) => wanted.includes(style))
  const unknown = wanted.find((style) => !Object.hasOwn(STYLES, style))
  if (unknown !== undefined || styles.length === 0)
    throw new Refusal(`--styles are some of ${Object.keys(STYLES)}, not "${unknown ?? values.styles}"`)
  if (!['one', 'all', 'none'].includes(styled))
    throw new Refusal(`--styled is one, all or none, not "${styled}"`)
  // A style that all pictures have tells nothing.
  return { out, size, styles, categories, skinTones, styled: styles.length > 1 ? styled : 'none' }
}

const main = async () => {
  const given = asked()
  if (!given) {
    console.log(HELP)
    return
  }
  const { out, size, styles, categories, skinTones, styled } = given
  const names = await picturesOf(styles, categories, skinTones)
  const pictures = names.flat()
  const captions = names.flatMap((some, i) => captionsOf(some, i, styled))
  await makeRoom(out)
  // First what says whose the folder is, and what will be in it: a run that was stopped can be begun anew.
  await writeFile(join(out, ABOUT), ORIGINS)
  const lines = pictures.map(({ file }, i) => `${JSON.stringify({ file_name: file, text: captions[i] })}\n`)
  await writeFile(join(out, TABLE), lines.join(''))
  await write(out, pictures, size)
  const count = (/** @type {number} */ n) => n.toLocaleString('en')
  console.log(`${out}: ${count(pictures.length)} pictures of ${size}×${size}, ${count(names.length)} names`)
}

try {
  await main()
} catch (error) {
  const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error)
  const isUsage = error instanceof Refusal || code.startsWith('ERR_PARSE_ARGS')
  if (!isUsage && !code) throw error
  console.error(`error: ${message}`)
  process.exitCode = isUsage ? 2 : 1
}
