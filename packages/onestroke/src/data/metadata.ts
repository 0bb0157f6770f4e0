/** Tables of what pictures show, as in Hugging Face's imagefolder: `metadata.jsonl` and `metadata.csv`. */
import { UserError } from '@onestroke/core/errors'
import { type CsvError, parse } from 'csv-parse/sync'
import { type Facts, factsOfLine, fieldsOf } from './facts.js'
import { abbreviate, type Remarks } from './remarks.js'
import { parseJson } from './text.js'

export const METADATA = new Set(['metadata.jsonl', 'metadata.csv'])

export interface MetadataLine {
  fileName: string
  facts: Facts
}

/** Keys, and columns in any letter case, that name the picture; the first one is Hugging Face's. */
const NAME_KEYS = ['file_name', 'filename', 'file', 'image', 'path']

/**
 * The lines of a table, by the ending of its name.
 *
 * @throws UserError that names file and line if it is malformed.
 */
export const linesOf = (text: string, file: string, remarks: Remarks): MetadataLine[] => {
  const tidy = text.replace(/^\ufeff/, '')
  const records = file.endsWith('.csv') ? csvRecords(tidy, file) : jsonRecords(tidy)
  return records.flatMap(({ fields, line, found }) => {
    const fileName = NAME_KEYS.map((key) => fields?.[key]).find((value) => typeof value === 'string')
    if (!fields || fileName === undefined) throw malformed(file, line, found)
    const { label, ...rest } = fields
    const all = factsOfLine(fields, `${file}, line ${line}`, remarks)
    if ('facts' in all) return [{ fileName, facts: all.facts }]
    if (all.wrong !== 'label') throw malformed(file, line, found)
    // A number of another kind (a score) is no class.
    remarks.add('badLabel', `${file}, line ${line}`)
    const others = factsOfLine(rest, file, remarks)
    return [{ fileName, facts: 'facts' in others ? others.facts : {} }]
  })
}

interface Line {
  fields: Record<string, unknown> | undefined
  line: number
  found: string
}

const jsonRecords = (text: string): Line[] =>
  text
    .split('\n')
    .map((found, i) => ({ fields: fieldsOf(parseJson(found)), line: i + 1, found }))
    .filter(({ found }) => found.trim() !== '')

const csvRecords = (text: string, file: string): Line[] => {
  const [head = ''] = text.split(/\r?\n/, 1)
  const delimiter = [',', ';', '\t'].find((sign) => head.includes(sign)) ?? ','
  const tidy = (columns: string[]) => columns.map((column) => column.trim().toLowerCase())
  let records: { record: Record<string, string>; info: { lines: number } }[]
  try {
    records = parse(text, { columns: tidy, delimiter, info: true, skip_empty_lines: true })
  } catch (cause) {
    const { message, code } = cause as CsvError
    throw new UserError(`${file}: ${abbreviate(message)}`, {
      cause,
      ...(code === 'CSV_RECORD_INCONSISTENT_COLUMNS' && {
        remedy: 'put "quotes" around what holds the separator',
      }),
    })
  }
  const [first] = records
  if (first && !NAME_KEYS.some((key) => key in first.record)) throw malformed(file, 1, head)
  return records.map(({ record, info }) => ({
    fields: { ...record, ...('label' in record && { label: labelOf(record.label!) }) },
    line: info.lines,
    found: Object.keys(record).join(delimiter),
  }))
}

/** CSV has no types: digits are an integer, and nothing is no label. */
const labelOf = (cell: string): number | string | null =>
  cell.trim() === '' ? null : /^\s*\d{1,9}\s*$/.test(cell) ? Number(cell) : cell

const malformed = (file: string, line: number, found: string): UserError =>
  new UserError(
    `${file}, line ${line}: expected ${file.endsWith('.csv') ? 'the columns file_name and text' : '{"file_name": "…", "text": "…"}'}, found ${found.slice(0, 60)}`,
  )
