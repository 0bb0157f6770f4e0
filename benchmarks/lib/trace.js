/** What Chromium's traces tell. */

/**
 * Milliseconds of every task on the pages' main threads: while one runs, the page is blocked.
 *
 * @param {Buffer} trace
 * @returns {number[]}
 */
export const tasksOf = (trace) => {
  /** @type {{ name: string, pid: number, tid: number, dur?: number, args?: { name?: string } }[]} */
  const events = JSON.parse(String(trace)).traceEvents
  const threads = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  )
  return events
    .filter(({ name, pid, tid }) => name === 'RunTask' && threads.has(`${pid} ${tid}`))
    .map(({ dur = 0 }) => dur / 1000)
}
