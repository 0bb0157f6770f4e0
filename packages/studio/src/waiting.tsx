/** What stands where a model is not there yet, or did not come. */
import type { Wanted } from './ask.js'
import { Button } from './controls.js'

export const Waiting = ({ of: all }: { of: readonly Wanted[] }) => {
  const failed = all.filter(({ failure }) => failure !== undefined)
  if (failed.length === 0)
    return (
      <p class="quiet">
        Loading{' '}
        {all
          .filter(({ model }) => !model)
          .map(({ name }) => name)
          .join(' and ')}
        …
      </p>
    )
  return (
    <>
      {failed.map(({ name, failure, retry }) => (
        <p key={name} class="alert" role="alert">
          {name} does not load: {failure} <Button onClick={retry}>Try again</Button>
        </p>
      ))}
    </>
  )
}
