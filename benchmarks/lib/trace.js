/** What Chromium's traces tell. */

/**
 * Every task on the pages' main threads: while one runs, the page is blocked. It takes `ms` in all, `cpu_ms` of them itself; in the
 * others the system has given its core to somebody else.
 *
 * @param {Buffer} trace
 * @returns {{ ms: number, cpu_ms: number }[]}
 */
export const tasksOf = (trace) => {
  /** @type {{ name: string, pid: number, tid: number, dur?: number, tdur?: number, args?: { name?: string } }[]} */
  const events = JSON.parse(String(trace)).traceEvents
  const threads = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  )
  return events
    .filter(({ name, pid, tid }) => name === 'RunTask' && threads.has(`${pid} ${tid}`))
    .map(({ dur = 0, tdur = 0 }) => ({ ms: dur / 1000, cpu_ms: tdur / 1000 }))
}
