import * as web from '@onestroke/core/web'

web.defineElement()
Object.assign(globalThis, { web })
