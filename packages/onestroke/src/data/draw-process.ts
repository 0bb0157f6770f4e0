/** The process in which drawings are drawn, one at a time. A drawing may never end, and only a process can be killed then. */
import { decode, type Outcome } from './decode.js'
import type { Drawing } from './drawing.js'

/** How often it looks at the time, in milliseconds. */
const WATCH_EVERY = 200

// A thread of libvips that never returns would keep the process alive after any other exit.
const end = () => process.kill(process.pid, 'SIGKILL')

process.on('disconnect', end)
// Ctrl-C reaches the whole group; the one that started this process decides.
process.on('SIGINT', () => {})
process.on('message', async ({ bytes, options, seconds }: Drawing) => {
  const before = process.cpuUsage()
  // Processor time, not clock time, so that the same drawings succeed on a busy machine.
  const watch = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    if (user + system > seconds * 1e6) end()
  }, WATCH_EVERY)
  const outcome: Outcome = await decode(async () => bytes, options)
  clearInterval(watch)
  process.send!(outcome)
})
