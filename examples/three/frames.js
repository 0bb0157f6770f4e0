/** Frame times, and how long the page's own work kept the main thread. */

/** Values that are kept: the latest. */
const KEPT = 2000

const statistics = (/** @type {number[]} */ values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (/** @type {number} */ share) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { count: values.length, median: at(0.5), p95: at(0.95), longest: at(1) }
}

export class Frames {
  /** @type {Record<'frames' | 'work' | 'swaps' | 'tasks', number[]>} */
  #values = { frames: [], work: [], swaps: [], tasks: [] }
  #last = 0

  constructor() {
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#keep('tasks', duration)
    }).observe({ type: 'longtask' })
  }

  /** Milliseconds since the last frame. @param {number} now */
  frame(now) {
    const since = this.#last === 0 ? 0 : now - this.#last
    if (since > 0) this.#keep('frames', since)
    this.#last = now
    return since
  }

  /** Runs what a frame or a new picture asks for, and times it. @param {'work' | 'swaps'} name @param {() => void} task */
  time(name, task) {
    const begin = performance.now()
    task()
    this.#keep(name, performance.now() - begin)
  }

  /**
   * Milliseconds: from frame to frame, drawing one, putting a picture in place, and the browser's own list of tasks of more than
   * 50.
   */
  summary() {
    const { frames, work, swaps, tasks } = this.#values
    return {
      frames: statistics(frames),
      work: statistics(work),
      swaps: statistics(swaps),
      tasks: statistics(tasks),
    }
  }

  /** Forgets all that was measured so far. */
  reset() {
    this.#values = { frames: [], work: [], swaps: [], tasks: [] }
    this.#last = 0
  }

  #keep(/** @type {'frames' | 'work' | 'swaps' | 'tasks'} */ name, /** @type {number} */ value) {
    const values = this.#values[name]
    values.push(value)
    if (values.length > KEPT) values.shift()
  }
}
