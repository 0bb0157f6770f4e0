/** What Vite tells of the build. */
interface ImportMeta {
  readonly env: {
    readonly PROD: boolean
    /** This package's version, as `vite.config.js` reads it. */
    readonly VERSION: string
  }
}
declare module '*.css'

/** What is used of gifenc, which has no types of its own. */
declare module 'gifenc' {
  type Palette = readonly (readonly [red: number, green: number, blue: number])[]
  /** At most so many colours for RGBA bytes. */
  export const quantize: (rgba: Uint8ClampedArray, most: number) => Palette
  /** For each pixel the place of the palette's nearest colour. */
  export const applyPalette: (rgba: Uint8ClampedArray, palette: Palette) => Uint8Array
  /** The animation runs for ever. */
  export const GIFEncoder: () => {
    /** @param options.delay milliseconds */
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { readonly palette: Palette; readonly delay: number },
    ): void
    finish(): void
    bytes(): Uint8Array<ArrayBuffer>
  }
}
