import type { Dataset } from './dataset.js'
import { picturesOf } from './remarks.js'

/**
 * What was understood, in one line: `1,240 pictures, 12 classes (from folders)`, or
 * `1,240 pictures, captions (from metadata.jsonl; 3 pictures have none)`.
 */
export const summaryOf = ({
  count,
  names,
  namesFrom,
  classes,
  classesFrom,
  notes = [],
  test,
}: Dataset): string => {
  const parts = [picturesOf(count)]
  if (names) {
    const without = names.filter((name) => name === '').length
    const notes = [
      ...(namesFrom !== undefined ? [`from ${namesFrom}`] : []),
      ...(without > 0 ? [`${picturesOf(without)} ${without === 1 ? 'has' : 'have'} none`] : []),
    ]
    parts.push(`captions${inBrackets(notes)}`)
  }
  if (classes) {
    const said = `${classes.length.toLocaleString('en')} class${classes.length === 1 ? '' : 'es'}`
    parts.push(said + inBrackets(classesFrom !== undefined ? [`from ${classesFrom}`] : []))
  }
  if (!names && !classes) parts.push('no classes or captions found')
  parts.push(...notes)
  if (test) parts.push(`${test.count.toLocaleString('en')} more in a test split`)
  return parts.join(', ')
}

const inBrackets = (notes: readonly string[]): string => (notes.length > 0 ? ` (${notes.join('; ')})` : '')

/** The warning if every caption belongs to a single picture: a teacher of them leaves nothing to distil. */
export const captionsNeverRepeat = ({ names = [] }: Pick<Dataset, 'names'>): string | undefined => {
  const captions = names.filter((name) => name !== '')
  if (captions.length < 2 || new Set(captions).size < captions.length) return undefined
  return `no two of the ${captions.length.toLocaleString('en')} captions are the same: a teacher learns one picture for each, so that there is nothing to choose, and nothing to distil; let captions fit several pictures each, or leave them out`
}
