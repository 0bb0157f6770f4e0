import { render } from 'preact'
import { App } from './app.js'
import { followState } from './state.js'
import './style.css'
import './views.css'

followState()
// A picture that is dropped beside the easel would take the page's place.
for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault())
render(<App />, document.getElementById('app')!)
