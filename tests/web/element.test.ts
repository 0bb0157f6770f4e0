import { expect, it } from 'vitest'
import { describeInBrowser } from './describe.js'
import { openPages, type Web } from './testing.js'

declare const web: Web

describeInBrowser('<one-stroke>', () => {
  const { page } = openPages()

  it('follows <one-stroke> while an attribute changes faster than it paints', async () => {
    const { seen, last, expected } = await page().evaluate(async () => {
      const element = document.createElement('one-stroke')
      let seen = 0
      element.addEventListener('painted', () => seen++)
      const painted = () =>
        new Promise((resolve) => element.addEventListener('painted', resolve, { once: true }))
      const pixels = () => {
        const canvas = element.shadowRoot!.querySelector('canvas')!
        return [...canvas.getContext('2d')!.getImageData(0, 0, 16, 16).data]
      }
      // Many steps, so that no picture is done within the time of a change.
      for (const [name, value] of Object.entries({ src: 'model/', device: 'wasm', steps: '64' }))
        element.setAttribute(name, value)
      const ready = painted()
      document.body.append(element)
      await ready
      seen = 0
      let seed = 0
      await new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          element.setAttribute('seed', String(++seed))
          if (seen < 3) return
          clearInterval(timer)
          resolve()
        }, 2)
      })
      const whileChanging = seen
      const model = await web.load('model/', { device: 'wasm' })
      const expected = [...(await model.generate({ seed, steps: 64 })).data]
      // One picture may be on its way; then comes the newest.
      let last = pixels()
      for (let i = 0; i < 600 && last.some((value, k) => value !== expected[k]); i++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        last = pixels()
      }
      model.release()
      element.remove()
      return { seen: whileChanging, last, expected }
    })
    expect(seen).toBe(3)
    expect(last).toEqual(expected)
  })

  it('loads nothing for an element that has gone before it could', async () => {
    const fetched: string[] = []
    page().on('request', (request) => fetched.push(request.url()))
    await page().evaluate(async () => {
      const element = document.createElement('one-stroke')
      for (const [name, value] of Object.entries({ src: 'model/', device: 'wasm' }))
        element.setAttribute(name, value)
      document.body.append(element)
      element.remove()
      await new Promise((resolve) => setTimeout(resolve, 200))
    })
    expect(fetched).toEqual([])
  })

  it('paints <one-stroke>, and again when an attribute changes', async () => {
    const painted = await page().evaluate(async () => {
      const element = document.createElement('one-stroke')
      const next = () =>
        new Promise((resolve) => element.addEventListener('painted', resolve, { once: true }))
      const pixels = () => {
        const canvas = element.shadowRoot!.querySelector('canvas')!
        return [...canvas.getContext('2d')!.getImageData(0, 0, 16, 16).data]
      }
      const set = async (attributes: Record<string, string>) => {
        const done = next()
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
        await done
        return pixels()
      }
      document.body.append(element)
      const heart = { src: 'model/', device: 'wasm', prompt: 'red heart', seed: '1', steps: '1' }
      const [first, other, again] = [await set(heart), await set({ prompt: 'owl' }), await set(heart)]
      const guided = await set({ 'guidance-scale': '2.5' })
      const led = await set({ 'negative-prompt': 'noto' })
      return {
        first,
        other,
        again,
        guided,
        led,
        label: element.shadowRoot!.querySelector('canvas')!.getAttribute('aria-label'),
      }
    })
    expect(painted.first).not.toEqual(painted.other)
    expect(painted.first).toEqual(painted.again)
    expect(painted.guided).not.toEqual(painted.again)
    expect(painted.led).not.toEqual(painted.guided)
    expect(painted.label).toBe('red heart')
  })

  it('draws a seed for <one-stroke>, keeps it until the attribute is set again, and says what is not known', async () => {
    const { told, pictures, title, known } = await page().evaluate(async () => {
      const element = document.createElement('one-stroke')
      document.body.append(element)
      const canvas = element.shadowRoot!.querySelector('canvas')!
      const set = async (attributes: Record<string, string>) => {
        const painted = new Promise<CustomEvent>((resolve) =>
          element.addEventListener('painted', (event) => resolve(event as CustomEvent), { once: true }),
        )
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
        const { detail } = await painted
        return { seed: detail.seed as number, picture: canvas.toDataURL() }
      }
      const first = await set({ src: 'model/', device: 'wasm', prompt: 'spaceship', seed: 'random' })
      const { title } = canvas
      const other = await set({ prompt: 'owl' })
      const second = await set({ seed: '-1' })
      const again = await set({ seed: String(first.seed), prompt: 'spaceship' })
      const cat = await set({ prompt: 'owl' })
      const all = [first, other, second, again, cat]
      return {
        told: all.map(({ seed }) => seed),
        pictures: all.map(({ picture }) => picture),
        title,
        known: canvas.title,
      }
    })
    expect(told[1]).toBe(told[0])
    expect(told[2]).not.toBe(told[0])
    expect(pictures[3]).toBe(pictures[0])
    expect(pictures[4]).toBe(pictures[1])
    expect(pictures[2]).not.toBe(pictures[1])
    expect([title, known]).toEqual(['the model has not seen "spaceship"; it goes by similar spelling', ''])
  })
})
