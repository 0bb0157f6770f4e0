import { render } from 'preact'
import { App } from './app.js'
import { keepDrawing } from './drawing.js'
import { handToDraw } from './hand-over.js'
import { followAddress, trouble } from './models.js'
import { keepHistory } from './past.js'
import { recall } from './recall.js'
import { device, followState, readAddress } from './state.js'
import './style.css'
import './views.css'
import './stage.css'

followState()
keepDrawing()
keepHistory()
// Back, Forward, or another link in the same tab.
addEventListener('hashchange', () => {
  const before = device.value
  readAddress()
  followAddress()
  // Models that are open stay where they run.
  if (device.value !== before) location.reload()
})
// A picture that is dropped would take the page's place.
addEventListener('dragover', (event) => event.preventDefault())
addEventListener('drop', (event) => {
  if (event.defaultPrevented) return
  event.preventDefault()
  const file = event.dataTransfer?.files[0]
  if (file) void recallOrSay(file)
})
addEventListener('paste', ({ target, clipboardData: pasted }) => {
  const picture = [...(pasted?.files ?? [])].find(({ type }) => type.startsWith('image/'))
  // What is copied from a text may hold it as a picture, too; a field takes the text.
  const isText = target instanceof HTMLInputElement && pasted?.types.includes('text/plain')
  if (picture && !isText) handToDraw(picture)
})

const recallOrSay = async (file: File): Promise<void> => {
  if (!(await recall(file)))
    trouble.value = `${file.name} does not say how it was painted. PNGs that Paint or onestroke sample saved do. Draw opens any picture.`
}

render(<App />, document.getElementById('app')!)
