/** Pictures on the page, and what people do with them. */
import type { PictureSize } from '@onestroke/core/picture'
import { type Recipe, withRecipe } from '@onestroke/core/pipeline'
import { useEffect, useRef } from 'preact/hooks'
import { pixels } from './state.js'

/** For the style of what holds pictures of a size: how wide they are for their height. */
export const proportions = ({ height, width }: PictureSize) => ({ '--ratio': width / height })

interface PictureProps {
  image: ImageData | undefined
  /** Before there is one. */
  size?: PictureSize
  alt: string
}

/** A picture as it is painted, enlarged by the page. */
export const Picture = ({ image, size, alt }: PictureProps) => {
  const { height, width } = image ?? size ?? { height: 32, width: 32 }
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (!canvas.current) return
    if (!image)
      return canvas.current.getContext('2d')!.clearRect(0, 0, canvas.current.width, canvas.current.height)
    const { width, height } = image
    if (canvas.current.width !== width || canvas.current.height !== height)
      [canvas.current.width, canvas.current.height] = [width, height]
    canvas.current.getContext('2d')!.putImageData(image, 0, 0)
  }, [image])
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={alt}
      width={width}
      height={height}
      class={`picture ${pixels.value ? 'squares' : ''}`}
    />
  )
}

/** Pictures in rows as one canvas, each pixel enlarged so many times. */
const sheetOf = (images: readonly ImageData[], scale: number, columns: number): HTMLCanvasElement => {
  const { width, height } = images[0]!
  const sheet = document.createElement('canvas')
  sheet.width = Math.min(columns, images.length) * width * scale
  sheet.height = Math.ceil(images.length / columns) * height * scale
  const context = sheet.getContext('2d')!
  context.imageSmoothingEnabled = !pixels.value
  context.imageSmoothingQuality = 'high'
  const one = document.createElement('canvas')
  ;[one.width, one.height] = [width, height]
  for (const [i, image] of images.entries()) {
    one.getContext('2d')!.putImageData(image, 0, 0)
    const [x, y] = [(i % columns) * width * scale, Math.floor(i / columns) * height * scale]
    context.drawImage(one, x, y, width * scale, height * scale)
  }
  return sheet
}

/** One picture, enlarged. */
export const enlarged = (image: ImageData, scale: number): ImageData => {
  const sheet = sheetOf([image], scale, 1)
  return sheet.getContext('2d')!.getImageData(0, 0, sheet.width, sheet.height)
}

export const pngOf = (images: readonly ImageData[], scale: number, columns: number): Promise<Blob> =>
  new Promise((resolve, reject) =>
    sheetOf(images, scale, columns).toBlob((blob) =>
      blob ? resolve(blob) : reject(new Error('the browser did not write the picture')),
    ),
  )

/** Scale of a single picture: what a person wants to see of 32 pixels. */
const SINGLE = 16

/** @param recipe how it was painted, kept in the file */
export const savePicture = async (image: ImageData, name: string, recipe?: Recipe): Promise<void> => {
  const png = await pngOf([image], SINGLE, 1)
  save(recipe ? await telling(png, recipe) : png, `${name}.png`)
}

/** In its own size: sprites are for games. */
export const saveSheet = async (
  images: readonly ImageData[],
  name: string,
  columns: number,
  recipe: Recipe,
): Promise<void> => save(await telling(await pngOf(images, 1, columns), recipe), `${name}.png`)

/** A PNG that tells how it was painted. */
const telling = async (png: Blob, recipe: Recipe): Promise<Blob> =>
  new Blob([withRecipe(new Uint8Array(await png.arrayBuffer()), recipe)], { type: png.type })

/** @throws Error if the browser does not allow it. */
export const copyPicture = async (image: ImageData): Promise<void> => {
  const png = pngOf([image], SINGLE, 1)
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })])
}

export const save = (blob: Blob, name: string): void => {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(blob)
  anchor.download = name.replace(/[^\p{L}\p{M}\p{N}.-]+/gu, '-')
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000)
}
