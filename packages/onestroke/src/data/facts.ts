/** The facts about a picture in a record: a line of metadata, or a JSON document beside the picture. */
import type { Remarks } from './remarks.js'
import { tidyCaption } from './text.js'

/** Most classes. A larger label is a mistake, and not a class. */
export const MAX_LABEL = 65_535

/** Keys that hold a caption, the first one first. */
const CAPTION_KEYS = ['text', 'caption', 'prompt', 'description'] as const
/** In JSON documents of WebDataset archives. */
const SAMPLE_KEYS = ['caption', 'text', 'prompt', 'description'] as const

/** Integers name classes, as texts do; texts in Unicode's composed form (NFC). */
export type Label = number | string

export interface Facts {
  /** Empty if the record has an empty caption; undefined if it has none. */
  caption?: string
  label?: Label
}

export type Found =
  | { facts: Facts }
  /** A key whose value has the wrong type. */
  | { wrong: string }

type Fields = Record<string, unknown>

/** The fields of a JSON object, or undefined if the value is none. */
export const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined

/** The facts of a line of metadata; `file` is named in remarks. */
export const factsOfLine = (fields: Fields, file: string, remarks: Remarks): Found =>
  factsIn(fields, CAPTION_KEYS, file, remarks)

/** The facts of a JSON document of one picture. */
export const factsOfDocument = (fields: Fields, file: string, remarks: Remarks): Found =>
  factsIn(fields, SAMPLE_KEYS, file, remarks)

const factsIn = (
  fields: Fields,
  keys: readonly (typeof CAPTION_KEYS)[number][],
  file: string,
  remarks: Remarks,
): Found => {
  const facts: Facts = {}
  const said = keys.filter((key) => key in fields)
  const texts = said.map((key) => fields[key]).filter((value) => typeof value === 'string')
  const wrong = said.find((key) => typeof fields[key] !== 'string' && fields[key] !== null)
  if (texts.length === 0 && wrong !== undefined) return { wrong }
  if (said.length > 0) {
    const captions = texts.map((text) => tidyCaption(text, file, remarks))
    facts.caption = captions.find((caption) => caption !== '') ?? ''
  }
  const { label } = fields
  if (typeof label === 'string') {
    const name = tidyCaption(label, file, remarks).normalize('NFC')
    if (name !== '') facts.label = name
  } else if (Number.isInteger(label)) facts.label = label as number
  else if (label !== undefined && label !== null) return { wrong: 'label' }
  return { facts }
}

/** Whether the label may be a class. */
export const isClass = (label: Label): boolean =>
  typeof label === 'string' || (label >= 0 && label <= MAX_LABEL)
