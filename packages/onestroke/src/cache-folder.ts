import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what can be made again is kept for the next time: `$ONESTROKE_CACHE`, else `~/.cache/onestroke`. */
export const cacheFolder = (): string => process.env.ONESTROKE_CACHE ?? join(homedir(), '.cache', 'onestroke')
