/** What a face calls an option of the library; undefined for what is none of its options. */
export type Words = (option: string) => string | undefined

const MARKED = /`([a-z][a-z0-9_.]*)`/g

/** A text of an error in a face's words: "leave out `guidance_scale`" becomes "leave out --guidance-scale". */
export const inWords = (text: string, words: Words): string =>
  text.replace(MARKED, (marked, option) => words(option) ?? marked)

/** An error's message and its remedy, if it has one, on one line and in a face's words. */
export const told = (
  { message, remedy }: { readonly message: string; readonly remedy?: string | undefined },
  words: Words,
): string => inWords(remedy ? `${message}; ${remedy}` : message, words)
