/** Remarks about many files: one line for each kind, with a few of the names. */

const count = (n: number, one: string, many: string): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

/** The beginning of each kind of remark, for `n` files. */
const KINDS = {
  windows1252: (n: number) =>
    `${count(n, 'text is', 'texts are')} not UTF-8, and read as Windows-1252; save as UTF-8 what comes out wrong`,
  noText: (n: number) => `${count(n, 'file is', 'files are')} no text, and not used`,
  largeText: (n: number) =>
    `${count(n, 'file is', 'files are')} too large for a caption (more than 1 MiB), and not used`,
  longCaption: (n: number) => `${count(n, 'caption is', 'captions are')} cut after 4,096 characters`,
  competing: (n: number) =>
    `${count(n, 'picture has', 'pictures have')} several captions, of which metadata comes first, then .txt, .caption and .json`,
  captionsInTar: (n: number) =>
    `${count(n, 'sample has', 'samples have')} several captions, of which the last in the archive is taken`,
  nowhere: (n: number) =>
    `${count(n, 'line names', 'lines name')} no picture (a name counts from the folder of its file)`,
  notUnderstood: (n: number) =>
    `${count(n, '.json file holds', '.json files hold')} no caption or label that is understood (text, caption, prompt, description, label)`,
  badLabel: (n: number) =>
    `${count(n, 'label is', 'labels are')} neither text nor an integer from 0 to 65535, and not used`,
  manyLabels: (n: number) =>
    `${count(n, 'picture has', 'pictures have')} several labels, of which metadata comes first`,
  textPart: (n: number) =>
    `${count(n, 'text has', 'texts have')} a second dot in its name, and is not used: a sample's caption is NAME.txt`,
  unused: (n: number) => `${count(n, 'file is', 'files are')} not used`,
} satisfies Record<string, (n: number) => string>

export type RemarkKind = keyof typeof KINDS

const NAMED = 3

/** Gathers remarks while files are read. */
export class Remarks {
  readonly #files = new Map<RemarkKind, string[]>()

  add(kind: RemarkKind, file: string): void {
    const files = this.#files.get(kind)
    if (files) files.push(file)
    else this.#files.set(kind, [file])
  }

  /** One sentence for each kind: `2 files are not used: a.xml, b.xml`. */
  lines(): string[] {
    return [...this.#files].map(([kind, files]) => `${KINDS[kind](files.length)}: ${someOf(files)}`)
  }
}

/** The first few of the names. */
export const someOf = (files: readonly string[]): string =>
  files
    .slice(0, NAMED)
    .map((file) => abbreviate(file))
    .join(', ') + (files.length > NAMED ? ', …' : '')

/** At most `most` characters, on one line. */
export const abbreviate = (text: string, most = 120): string =>
  text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text

/** `1 picture`, `1,240 pictures`. */
export const picturesOf = (n: number): string => count(n, 'picture', 'pictures')
