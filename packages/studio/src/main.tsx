import { render } from 'preact'
import { App } from './app.js'
import { trouble } from './models.js'
import { recall } from './recall.js'
import { followState } from './state.js'
import './style.css'
import './views.css'

followState()
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
