#!/usr/bin/env node
import { existsSync } from 'node:fs'

// A clone of the repository has to be built first; a package from npm is.
if (existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  const { main } = await import('../dist/cli/main.js')
  process.exitCode = await main(process.argv)
} else {
  console.error(
    'error: onestroke is not built yet\n  npm run build, at the root of the repository, builds it',
  )
  process.exitCode = 1
}
