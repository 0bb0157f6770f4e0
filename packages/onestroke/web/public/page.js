/** The page beside an exported model: what to paint, and what to write elsewhere for the same picture. */
import {
  bytesOf,
  conditionerOf,
  manifestOf,
  readSeed,
  SEED_RULE,
  shapeOf,
  takesGuidance,
} from './onestroke.js'

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id))
const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (find(id))
const set = (/** @type {HTMLElement} */ element, /** @type {Record<string, string>} */ attributes) => {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}
const make = (/** @type {string} */ name, /** @type {Record<string, string>} */ attributes = {}) =>
  set(document.createElement(name), attributes)

/** Says each of the sentences in a place for notes. */
const note = (/** @type {string} */ id, /** @type {readonly string[]} */ sentences) => {
  const paragraphs = sentences.map((sentence) => {
    const paragraph = make('p')
    paragraph.textContent = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`
    return paragraph
  })
  find(id).replaceChildren(...paragraphs)
}

/** Takes the easel's place when it is known what is painted. */
const shown = make('one-stroke', { id: 'picture' })
const said = find('said')
const fail = (/** @type {string} */ message) => {
  said.textContent = message
  said.classList.add('failed')
  document.body.classList.remove('waiting')
}

/** Seeds that are shown beside the one that was chosen. */
const SEEDS = 8
const IDEAS = 8
/** A teacher's most steps here; a student has noise levels for its own few. */
const MOST_STEPS = 40
/** And of students, unless noise levels of more were searched. */
const STUDENTS_STEPS = 4

/** Guidance that still helps a teacher; a student has a range of its own. */
const MOST_GUIDANCE = 8

/** @typedef {import('@onestroke/core/pipeline').Manifest} Manifest */

/** Prompts to begin with: a class, or a word of the captions that is likely to name a thing. */
const ideasOf = (/** @type {Manifest['vocabulary']} */ vocabulary) => {
  const names =
    vocabulary.kind === 'class'
      ? vocabulary.classes
      : vocabulary.kind === 'text'
        ? vocabulary.examples?.length
          ? vocabulary.examples
          : vocabulary.words.filter((word) => word.length > 3)
        : []
  const count = Math.min(IDEAS, names.length)
  return Array.from(
    { length: count },
    (_, i) => /** @type {string} */ (names[Math.floor(((i + 0.5) * names.length) / count)]),
  )
}

const show = (/** @type {Manifest} */ manifest) => {
  const { vocabulary, sampling, kind, parameters, graphs, dtype, license, example } = manifest
  const { width, height } = shapeOf(manifest)
  const [millions, megabytes] = [parameters / 1e6, bytesOf(graphs) / 1e6].map((n) => n.toFixed(1))
  find('about').textContent = [
    `${width}×${height} pixels`,
    `${millions} million parameters`,
    `${megabytes} MB in ${dtype}`,
    ...(license ? [`licence: ${license}`] : []),
  ].join(' · ')

  const ideas = ideasOf(vocabulary)
  find('prompts').hidden = vocabulary.kind === 'none'
  field('prompt').value = example?.prompt ?? ideas[0] ?? ''
  field('seed').value = String(example?.seed ?? 1)
  if (vocabulary.kind === 'class')
    find('names').append(...vocabulary.classes.map((value) => make('option', { value })))
  for (const idea of ideas) {
    const button = make('button', { type: 'button' })
    button.textContent = idea
    button.onclick = () => {
      field('prompt').value = idea
      paint()
    }
    find('ideas').append(button)
  }
  const most =
    kind === 'student' ? Math.max(STUDENTS_STEPS, ...Object.keys(sampling.sigmas).map(Number)) : MOST_STEPS
  field('steps').max = String(most)
  field('steps').value = String(sampling.num_inference_steps)

  const conditioner = conditionerOf(vocabulary)
  const guided = takesGuidance(manifest)
  const range = sampling.guidance_range ?? [1, MOST_GUIDANCE]
  set(field('guidance'), { min: String(range[0]), max: String(range[1]) })
  field('guidance').value = String(sampling.guidance_scale)
  for (const part of find('wish').querySelectorAll('.guided')) part.toggleAttribute('hidden', !guided)

  /** Elements that have a picture. */
  const painted = new Set()
  const others = Array.from({ length: kind === 'student' ? SEEDS : 0 }, (_, i) => {
    const seed = String(i + 1)
    const button = make('button', { type: 'button', 'aria-label': `Seed ${seed}` })
    const picture = make('one-stroke', { seed })
    picture.addEventListener('painted', () => painted.add(picture))
    button.onclick = () => takeSeed(seed)
    return { seed, button, picture }
  })
  find('seeds').append(...others.map(({ button }) => button))

  /** What is asked for, but for the seed, as the attributes of an element. */
  const wish = () => {
    const [prompt, steps, scale] = [field('prompt').value, field('steps').value, field('guidance').value]
    return /** @type {Record<string, string>} */ ({
      prompt,
      steps,
      ...(guided && { 'guidance-scale': scale }),
      // Without guidance there is nothing to lead away with.
      ...(guided && { 'negative-prompt': Number(scale) === 1 ? '' : field('negative').value.trim() }),
    })
  }

  /** Classes are painted when they are whole. */
  const isWhole = (/** @type {string} */ text) =>
    vocabulary.kind !== 'class' || conditioner.refusal(text) === undefined

  /** What the model does not read of the prompts that are painted. */
  let warnings = /** @type {readonly string[]} */ ([])
  /** Names that the model knows. */
  const known =
    vocabulary.kind === 'class' ? vocabulary.classes : vocabulary.kind === 'text' ? vocabulary.words : []
  /** Whether a name that the model knows is still being typed: that is not judged. */
  const isTyping = () => {
    const typed = [field('prompt'), field('negative')].find((one) => one === document.activeElement)?.value
    const last = vocabulary.kind === 'class' ? typed : /[\p{L}\p{N}]+$/u.exec(typed ?? '')?.[0].toLowerCase()
    return Boolean(last) && !known.includes(last ?? '') && known.some((name) => name.startsWith(last ?? ''))
  }
  /** Says what the model does not know of the prompts, as far as they are whole. */
  const tellNotes = () => {
    const { prompt = '', 'negative-prompt': negative = '' } = wish()
    const strange = [prompt, negative].filter((text) => !isWhole(text))
    const notes = strange.map((text) => `the model has no class "${text}"; the picture stays as it was`)
    note('notes', isTyping() ? [] : strange.length > 0 ? notes : warnings)
  }

  /** The seed that is painted. */
  let seed = field('seed').value
  /** Takes up a seed, or one that is drawn. What is none stays in the field, until that is left. */
  const takeSeed = (/** @type {string} */ text) => {
    const read = readSeed(text, () => 1 + Math.floor(Math.random() * 99_999))
    if (read !== undefined) {
      seed = String(read)
      field('seed').value = seed
    }
    field('seed').setAttribute('aria-invalid', String(read === undefined))
    note('no-seed', read === undefined ? [`a seed is ${SEED_RULE}`] : [])
    paint()
  }

  /** Stops what an element paints. It keeps the picture that it has; one without would say that its `src` is missing. */
  const wait = (/** @type {HTMLElement} */ picture) => {
    if (painted.has(picture)) picture.removeAttribute('src')
    else picture.remove()
  }

  const paint = () => {
    const asked = wish()
    if (![asked.prompt, asked['negative-prompt']].every((text) => isWhole(text ?? ''))) return tellNotes()
    find('steps-said').textContent = field('steps').value
    const scale = Number(field('guidance').value)
    find('guidance-said').textContent = scale === 1 ? 'none' : scale.toFixed(1)
    field('negative').disabled = scale === 1
    for (const { button, picture, ...other } of others) {
      button.setAttribute('aria-pressed', String(other.seed === seed))
      // The other seeds wait for the picture.
      if (Object.entries(asked).some(([name, value]) => picture.getAttribute(name) !== value)) wait(picture)
    }
    set(shown, { src: './', ...asked, seed })
    if (!shown.isConnected) find('easel').replaceWith(shown)
    describe(asked, seed, sampling.guidance_scale)
  }

  let warm = false
  shown.addEventListener('painted', (event) => {
    warnings = /** @type {CustomEvent} */ (event).detail.warnings
    tellNotes()
    // The first one warms the runtime up: it is painted once more, to tell the time that others will take.
    if (!warm) {
      warm = true
      return paint()
    }
    for (const { button, picture } of others) {
      if (picture.isConnected && picture.hasAttribute('src')) continue
      set(picture, { ...wish(), src: './' })
      if (!picture.isConnected) button.append(picture)
    }
  })

  find('wish').oninput = paint
  for (const name of ['prompt', 'negative']) field(name).onblur = tellNotes
  find('wish').onsubmit = (event) => {
    event.preventDefault()
    field('prompt').blur()
  }
  field('seed').oninput = (event) => {
    event.stopPropagation()
    takeSeed(field('seed').value)
  }
  field('seed').onblur = () => {
    if (field('seed').value !== seed) takeSeed(seed)
  }
  find('another').onclick = () => takeSeed('random')
  paint()
}

/**
 * What to write for the picture that is shown.
 *
 * @param {Record<string, string>} attributes of an element, but for its seed
 * @param {string} seed
 * @param {number} usual the guidance scale that need not be said
 */
const describe = ({ prompt = '', steps, ...guidance }, seed, usual) => {
  const name = decodeURIComponent(new URL('.', document.baseURI).pathname.split('/').at(-2) || 'model')
  const { 'guidance-scale': scale, 'negative-prompt': negative } = guidance
  const attributes = {
    src: `${name}/`,
    prompt,
    seed,
    steps,
    'guidance-scale': scale && Number(scale) !== usual ? scale : undefined,
    'negative-prompt': negative || undefined,
  }
  const quoted = (/** @type {string | undefined} */ text = '') =>
    `"${text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`
  find('element').textContent = [
    `<script type="module" src="${name}/onestroke.js"></script>`,
    `<one-stroke ${Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${quoted(value)}`)
      .join(' ')}></one-stroke>`,
  ].join('\n')
  const options = [
    `prompt: ${JSON.stringify(prompt)}, seed: ${seed}, steps: ${steps}`,
    ...(attributes['guidance-scale'] ? [`guidance_scale: ${scale}`] : []),
    ...(negative ? [`negative_prompt: ${JSON.stringify(negative)}`] : []),
  ]
  find('library').textContent = [
    `import { load } from './${name}/onestroke.js'`,
    '',
    `const model = await load('${name}/')`,
    `const image = await model.generate({ ${options.join(', ')} }) // an ImageData`,
  ].join('\n')
}

shown.addEventListener('painted', (event) => {
  const { milliseconds, device } = /** @type {CustomEvent} */ (event).detail
  document.body.classList.remove('waiting')
  said.classList.remove('failed')
  said.textContent = `${milliseconds.toFixed(1)} ms on ${device === 'webgpu' ? 'WebGPU' : 'WebAssembly'}`
})
shown.addEventListener('error', (event) => fail(/** @type {ErrorEvent} */ (event).message))

for (const button of document.querySelectorAll('button.copy'))
  button.addEventListener('click', async () => {
    const code = /** @type {Element} */ (button.closest('figure')?.querySelector('code'))
    try {
      await navigator.clipboard.writeText(code.textContent ?? '')
      button.textContent = 'Copied'
    } catch {
      // Browsers keep the clipboard from pages that are neither https nor localhost.
      getSelection()?.selectAllChildren(code)
      button.textContent = 'Selected'
    }
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 1500)
  })

document.body.classList.add('waiting')
try {
  const response = await fetch('./manifest.json', { cache: 'no-cache' })
  if (!response.ok) throw new Error(`manifest.json: ${response.status} ${response.statusText}`)
  show(manifestOf(await response.json()))
  for (const section of document.querySelectorAll('section')) section.hidden = false
} catch (error) {
  fail(`The model is not there: ${/** @type {Error} */ (error).message}`)
}
