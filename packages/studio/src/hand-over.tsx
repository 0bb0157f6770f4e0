import { signal } from '@preact/signals'

/** A picture on its way from one view to another. */
export const handOver = signal<ImageData | undefined>(undefined)
