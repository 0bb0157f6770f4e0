/** Pictures that follow a slider. */

/**
 * Runs `work` for the latest of what it is given: while one runs, newer ones take each other's place, so that what is
 * shown is never more than one run behind.
 */
export const latest = <T>(work: (what: T) => Promise<void>): ((what: T) => void) => {
  let waiting: { what: T } | undefined
  let busy = false
  const go = async () => {
    busy = true
    while (waiting) {
      const { what } = waiting
      waiting = undefined
      await work(what)
    }
    busy = false
  }
  return (what) => {
    waiting = { what }
    if (!busy) void go()
  }
}
