/**
 * Runs command lines one after another in this process, as `bin/onestroke.js` runs one: what a start costs is paid once. Messages in:
 * `{ args, cwd, env }`; out: `{ status, stdout, stderr }`, when nothing of the command would keep its own process alive.
 */

import { syncBuiltinESMExports } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import threads from 'node:worker_threads'

/** Threads of the command, which would end with its process. */
const running = /** @type {Set<import('node:worker_threads').Worker>} */ (new Set())
threads.Worker = class extends threads.Worker {
  /** @param {ConstructorParameters<typeof threads.Worker>} args */
  constructor(...args) {
    super(...args)
    running.add(this)
    this.once('exit', () => running.delete(this))
  }
}
syncBuiltinESMExports()

const { main } = await import('../../packages/onestroke/dist/cli/main.js')

const root = process.cwd()
const environment = { ...process.env }
/** Seconds in which what a command has begun must end by itself. */
const PATIENCE = 60

let said = { stdout: '', stderr: '' }
for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
  const decoder = new TextDecoder()
  Object.assign(process[name], {
    /** @param {string | Uint8Array} data @param {unknown[]} rest */
    write(data, ...rest) {
      said[name] += typeof data === 'string' ? data : decoder.decode(data)
      const done = rest.at(-1)
      if (typeof done === 'function') process.nextTick(done)
      return true
    },
  })
}

/** Who listens to what, to tell the command's listeners from those of others. */
const heard = () =>
  [process, process.stdout, process.stderr].flatMap((emitter) =>
    emitter
      .eventNames()
      .flatMap((event) => emitter.rawListeners(event).map((listener) => ({ emitter, event, listener }))),
  )
/**
 * What would keep the process alive, beside what was there before.
 *
 * @param {string[]} before
 */
const keepAlive = (before) => {
  const usual = [...before]
  return process.getActiveResourcesInfo().filter((one) => {
    const at = usual.indexOf(one)
    if (at >= 0) usual.splice(at, 1)
    return at < 0
  })
}

/** @param {{ args: string[], cwd?: string, env: Record<string, string> }} order */
const run = async ({ args, cwd = root, env }) => {
  Object.assign(process.env, env)
  said = { stdout: '', stderr: '' }
  process.chdir(cwd)
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...args)
  const before = heard()
  const usual = process.getActiveResourcesInfo()
  const status = await new Promise((resolve) => {
    process.exit = /** @type {never} */ (resolve)
    main(process.argv).then(resolve)
  })
  const begin = performance.now()
  while (keepAlive(usual).length > 0) {
    if (performance.now() - begin > PATIENCE * 1000) {
      said.stderr += `the process is kept alive by ${keepAlive(usual).join(', ')}\n`
      break
    }
    await setTimeout(10)
  }
  for (const { emitter, event, listener } of heard())
    if (!before.some((one) => one.emitter === emitter && one.event === event && one.listener === listener)) {
      if (emitter === process && event === 'exit') listener.call(process, status)
      emitter.off(event, /** @type {never} */ (listener))
    }
  await Promise.all([...running].map((thread) => thread.terminate()))
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  return { status, ...said }
}

const { exit } = process
process.on('disconnect', () => exit())
process.on('message', async (order) => process.send?.(await run(/** @type {never} */ (order))))
