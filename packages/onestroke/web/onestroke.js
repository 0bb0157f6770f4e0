/** All that a page without a bundler needs: defines `<one-stroke>`, and gives `load` to scripts. */
import { defineElement } from '@onestroke/core/web'

export * from '@onestroke/core/web'

defineElement()
