import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [{ find: /^@onestroke\/core\/(.*)$/, replacement: src('./packages/core/src/$1/index.ts') }],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    globalSetup: 'tests/setup.ts',
    setupFiles: 'tests/equality.ts',
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
