/** Any picture as the input of Draw: one that was painted here, pasted, dropped or opened. */
import { signal } from '@preact/signals'
import { Button } from './controls.js'
import { view } from './state.js'

/** A picture on its way to Draw. */
export const handOver = signal<ImageData | File | undefined>(undefined)

/** Opens Draw with the picture. */
export const handToDraw = (picture: ImageData | File): void => {
  handOver.value = picture
  view.value = 'draw'
}

/** What stands beside every painted picture. */
export const UseAsInput = ({ image }: { image: ImageData | undefined }) => (
  <Button
    disabled={!image}
    onClick={() => handToDraw(image!)}
    title="Go on from this picture in Draw: image to image, or inpaint it"
  >
    Use as input
  </Button>
)
