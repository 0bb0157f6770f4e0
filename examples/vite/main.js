import { defineElement } from '@onestroke/core/web'

defineElement()

const picture = /** @type {HTMLElement} */ (document.querySelector('one-stroke'))
const said = /** @type {HTMLElement} */ (document.querySelector('#said'))
for (const name of ['prompt', 'seed'])
  document.querySelector(`#${name}`)?.addEventListener('input', ({ target }) => {
    picture.setAttribute(name, /** @type {HTMLInputElement} */ (target).value)
  })
picture.addEventListener('painted', (event) => {
  const { milliseconds, device, warnings } = /** @type {CustomEvent} */ (event).detail
  said.textContent = [`${milliseconds.toFixed(1)} ms on ${device}`, ...warnings].join('; ')
})
picture.addEventListener('error', (event) => {
  said.textContent = /** @type {ErrorEvent} */ (event).message
})
