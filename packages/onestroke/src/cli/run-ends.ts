/** How runs end before they are done, and how that is said. */
import pc from 'picocolors'
import type { Progress, TaskPlan } from '../training/index.js'
import { Interrupted, resumeLine, say } from './terminal.js'

/** Ends the command at a Ctrl-C when there is no state to save: the training has not begun, or all is saved. */
export const leave = (): void => {
  sayHowToGoOn()
  process.exit(130)
}

const sayHowToGoOn = (): void => {
  say('to go on:')
  say(`  ${pc.bold(resumeLine())}`)
}

/** Says that a run was stopped, and how to go on. @returns what to throw. */
export const stoppedAfter = (
  { step, images }: Progress,
  { batch }: Pick<TaskPlan, 'batch'>,
  { out, json }: { readonly out: string; readonly json?: boolean },
): Interrupted => {
  const seen = step * batch
  say(`stopped after ${seen} of ${images || 'an unknown number of'} pictures; the state is saved`)
  sayHowToGoOn()
  if (json)
    console.log(
      JSON.stringify({
        status: 'interrupted',
        out,
        images_seen: seen,
        images: images || null,
        resume: resumeLine(),
      }),
    )
  return new Interrupted()
}
