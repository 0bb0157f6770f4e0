import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const src = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const FACES = ['studio', 'web'].map((face) => `tests/${face}/**/*.test.ts`)
/** A busy machine is no failure. Modules that are loaded once for several files cannot say so for each of them. */
const PATIENT = { testTimeout: 300_000, hookTimeout: 300_000 }

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
    // One after another, by `groupOrder`: a process goes on with the next file only if that is of its own project.
    projects: [
      // Loading the modules anew for each small file would take longer than its tests.
      {
        extends: true,
        test: {
          name: 'modules',
          include: ['packages/*/src/**/*.test.ts'],
          isolate: false,
          sequence: { groupOrder: 2 },
        },
      },
      // These share what takes longest to start, too: a browser, and the process that runs short commands.
      {
        extends: true,
        test: { name: 'faces', include: FACES, isolate: false, sequence: { groupOrder: 1 }, ...PATIENT },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['tests/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...FACES],
          ...PATIENT,
        },
      },
    ],
  },
})
