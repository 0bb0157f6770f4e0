/**
 * A fountain of dice. Each one that has fallen gets a picture that was never seen before, painted in a worker while the
 * others fly on, and goes up again with it.
 */
import { load } from '@onestroke/core/web'
import * as THREE from 'three'
import { Frames } from './frames.js'

const DICE = 36
const GRAVITY = -9
/** Below this, nobody sees a die. */
const FLOOR = -5
const IDEAS = [
  'red heart',
  'cat face',
  'owl',
  'hot dog',
  'green apple',
  'crying face',
  'birthday cake',
  'tiger',
  'flower',
]

const said = /** @type {HTMLElement} */ (document.querySelector('#said'))
const prompt = /** @type {HTMLInputElement} */ (document.querySelector('#prompt'))

const renderer = new THREE.WebGLRenderer({ antialias: true })
document.body.prepend(renderer.domElement)
const camera = new THREE.PerspectiveCamera(45, 1, 0.1, 100)
camera.position.set(0, 0.5, 12)
const scene = new THREE.Scene()
scene.background = new THREE.Color('#14161a')
const sun = new THREE.DirectionalLight('#fff', 1.6)
sun.position.set(2, 4, 6)
scene.add(sun, new THREE.AmbientLight('#fff', 1.6))

const fit = () => {
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2))
  renderer.setSize(innerWidth, innerHeight)
  camera.aspect = innerWidth / innerHeight
  camera.updateProjectionMatrix()
}
addEventListener('resize', fit)
fit()

/** A die with a texture of its own, as large as the model's pictures. */
class Die {
  /** @param {THREE.BufferGeometry} geometry @param {{ width: number, height: number }} size */
  constructor(geometry, { width, height }) {
    this.pixels = new Uint8Array(4 * width * height).fill(255)
    this.texture = new THREE.DataTexture(this.pixels, width, height)
    this.texture.colorSpace = THREE.SRGBColorSpace
    this.mesh = new THREE.Mesh(geometry, new THREE.MeshLambertMaterial({ map: this.texture }))
    this.mesh.visible = false
    this.velocity = new THREE.Vector3()
    this.spin = new THREE.Vector3()
  }

  /** Its picture is replaced, on the same texture: some kilobytes go to the GPU. @param {ImageData} picture */
  show({ data, width }) {
    // Textures begin with their last row.
    for (let y = 0; y < width; y++)
      this.pixels.set(data.subarray(4 * width * y, 4 * width * (y + 1)), 4 * width * (width - 1 - y))
    this.texture.needsUpdate = true
  }

  launch() {
    const spread = THREE.MathUtils.randFloatSpread
    this.mesh.position.set(spread(0.6), FLOOR, spread(0.6))
    this.velocity.set(spread(4.2), 12.3 + spread(2), spread(2.4))
    this.spin.set(spread(4), spread(4), spread(4))
    this.mesh.visible = true
  }

  /** @param {number} seconds @returns {boolean} whether it has fallen */
  move(seconds) {
    if (!this.mesh.visible) return false
    this.velocity.y += GRAVITY * seconds
    this.mesh.position.addScaledVector(this.velocity, seconds)
    const { rotation } = this.mesh
    rotation.x += this.spin.x * seconds
    rotation.y += this.spin.y * seconds
    rotation.z += this.spin.z * seconds
    if (this.mesh.position.y >= FLOOR) return false
    this.mesh.visible = false
    return true
  }
}

const frames = new Frames()
const model = await load('model/', {
  onProgress: (loaded, total) => {
    said.textContent = `Loading the model: ${Math.round((100 * loaded) / total)} %`
  },
}).catch((error) => {
  said.textContent = error.message
  throw error
})
/** What there is to know from outside, and whether dice that go up again get a new picture. */
const fountain = {
  model,
  painting: true,
  pictures: 0,
  summary: () => frames.summary(),
  reset: () => frames.reset(),
}
Object.assign(window, { fountain })

const geometry = new THREE.BoxGeometry(1.25, 1.25, 1.25)
const dice = Array.from({ length: DICE }, () => new Die(geometry, model.manifest.network))
scene.add(...dice.map(({ mesh }) => mesh))
/** Dice that wait for a picture, the one that fell first at the front. */
const waiting = [...dice]

renderer.setAnimationLoop((now) => {
  const seconds = Math.min(frames.frame(now) / 1000, 0.05)
  frames.time('work', () => {
    for (const die of dice) if (die.move(seconds)) waiting.push(die)
    renderer.render(scene, camera)
  })
})

setInterval(() => {
  const { median, p95, longest } = frames.summary().frames
  const [a, b, c] = [median, p95, longest].map((ms) => ms.toFixed(1))
  const speed = `frames: median ${a} ms, 95 % ${b} ms, longest ${c} ms`
  const told = [`${fountain.pictures} pictures on ${model.device}`, speed, ...model.warnings([prompt.value])]
  said.textContent = told.join(' · ')
}, 500)

const untilNextFrame = () => new Promise(requestAnimationFrame)
for (let seed = 0; ; seed++) {
  while (!waiting[0]) await untilNextFrame()
  const [die] = waiting
  if (!fountain.painting) {
    waiting.shift()
    die.launch()
    continue
  }
  const wish = prompt.value || IDEAS[seed % IDEAS.length] || ''
  const picture = await model.generate({ prompt: wish, seed, steps: 1 })
  waiting.shift()
  frames.time('swaps', () => {
    die.show(picture)
    die.launch()
  })
  fountain.pictures++
}
