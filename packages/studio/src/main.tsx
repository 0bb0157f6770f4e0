import { render } from 'preact'
import { App } from './app.js'
import { followState } from './state.js'
import './style.css'
import './views.css'

followState()
render(<App />, document.getElementById('app')!)
