import { posix } from 'node:path'

/** Values by path, for paths that people wrote: with backslashes, accents in one letter or two, another case of letters. */
export class PathIndex<T> {
  readonly #exact = new Map<string, T>()
  /** By lower-case path; undefined where several paths differ in nothing else. */
  readonly #anyCase = new Map<string, T | undefined>()

  set(path: string, value: T): void {
    const tidy = tidyPath(path)
    const lower = tidy.toLowerCase()
    this.#anyCase.set(lower, this.#anyCase.has(lower) && !this.#exact.has(tidy) ? undefined : value)
    this.#exact.set(tidy, value)
  }

  get(path: string): T | undefined {
    const tidy = tidyPath(path)
    return this.#exact.get(tidy) ?? this.#anyCase.get(tidy.toLowerCase())
  }
}

const tidyPath = (path: string): string => posix.normalize(path.replaceAll('\\', '/')).normalize('NFC')
