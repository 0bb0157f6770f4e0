import { render } from 'preact'
import { App } from './app.js'
import { settleModel, trouble } from './models.js'
import { recall } from './recall.js'
import { device, followState, readAddress } from './state.js'
import './style.css'
import './views.css'
import './stage.css'

followState()
// Back, Forward, or another link in the same tab.
addEventListener('hashchange', () => {
  const before = device.value
  readAddress()
  settleModel()
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

const recallOrSay = async (file: File): Promise<void> => {
  if (!(await recall(file)))
    trouble.value = `${file.name} does not tell how it was painted: only PNGs that onestroke saved do. Draw opens any picture.`
}

render(<App />, document.getElementById('app')!)
