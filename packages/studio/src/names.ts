/** Names of saved files, made from what the pictures show. */

/** What a picture was painted from. */
export interface End {
  /** The words that the model reads. */
  readonly prompt: string
  readonly seed: number
}

/** Prompts may be long; names of files may not. */
const MOST_LETTERS = 60

const promptOf = ({ prompt }: End): string => prompt.slice(0, MOST_LETTERS) || 'picture'

/** "red apple seed 5". */
export const nameOf = (end: End): string => `${promptOf(end)} seed ${end.seed}`

/** "cat face seed 5 to owl", "cat face seed 5 to seed 8". */
export const nameOfWay = (from: End, to: End): string => {
  const other = [
    to.prompt === from.prompt ? '' : promptOf(to),
    to.seed === from.seed ? '' : `seed ${to.seed}`,
  ].filter(Boolean)
  return `${nameOf(from)} to ${other.join(' ') || 'itself'}`
}
