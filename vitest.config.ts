import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [{ find: /^@onestroke\/core\/(.*)$/, replacement: src('./packages/core/src/$1/index.ts') }],
  },
  test: {
    globalSetup: 'tests/setup.ts',
    setupFiles: 'tests/equality.ts',
    testTimeout: 60_000,
    // A test in which nothing is expected, in no turn of a loop and after no early return, fails.
    expect: { poll: { timeout: 30_000 }, requireAssertions: true },
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      // Loading the modules anew for each small file would take longer than its tests.
      { extends: true, test: { name: 'modules', include: ['packages/*/src/**/*.test.ts'], isolate: false } },
      { extends: true, test: { name: 'whole', include: ['tests/**/*.test.ts'] } },
    ],
  },
})
