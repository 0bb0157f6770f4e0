/** How a picture in the studio is kept and found again: by its link, and by its file. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { readRecipe, withRecipe } from '../../packages/core/src/pipeline/index.js'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { succeeds } from '../cli/testing.js'
import { describeInBrowser } from '../web/describe.js'
import { changed, openStudio, pixelsOf, STUDENT } from './testing.js'

const packageOf = async (name: string): Promise<{ version: string }> =>
  JSON.parse(await readFile(join('packages', name, 'package.json'), 'utf8'))

describeInBrowser('a picture of the studio', () => {
  const studio = openStudio()
  const { open, page, picture, painted } = studio

  it('has a link that is the picture', async () => {
    await open('#prompt=owl&seed=12')
    await painted()
    await page().getByRole('button', { name: 'New seed' }).first().click()
    const seed = await page().getByLabel('Seed', { exact: true }).inputValue()
    await page().getByRole('button', { name: 'Copy link' }).click()
    await page().getByText('Copied').waitFor()
    const link = await page().evaluate(() => navigator.clipboard.readText())
    expect(link).toContain(`seed=${seed}`)
    expect(link).toContain('prompt=owl')
    await expect.poll(async () => (await pixelsOf(picture())).length).toBe(16 * 16 * 4)
    await page().waitForTimeout(500)
    const before = await pixelsOf(picture())
    await open(link.slice(studio.url.length))
    await painted()
    expect(await pixelsOf(picture())).toEqual(before)
    // A style that the model does not have is none; nor is a device, or a number of steps, that there is not.
    const odd = link.slice(studio.url.length).replace(/&steps=\d+/, '')
    await open(`${odd}&style=nonsense&device=none&steps=32`)
    await painted()
    expect(await page().locator('.status').textContent()).toContain(' in 8 steps')
    await page().getByLabel('Steps').fill('1')
    await expect.poll(() => pixelsOf(picture())).toEqual(before)
    // Another link, pasted into the same tab.
    await page().evaluate(() => location.assign('#prompt=pizza&seed=4'))
    await expect.poll(() => page().getByLabel('Prompt', { exact: true }).inputValue()).toBe('pizza')
  })

  it('saves a PNG that brings its settings back when it is dropped', async () => {
    await open('#prompt=cat+face&seed=21&steps=2&guidance=2&without=noto')
    await painted()
    const before = await pixelsOf(picture())
    const download = page().waitForEvent('download')
    await page().getByRole('button', { name: 'Save PNG' }).click()
    const png = await readFile(await (await download).path())
    const [{ version }, { sha256 }] = [await packageOf('studio'), await loadModel(STUDENT)]
    expect(readRecipe(png)).toEqual({
      version,
      model: 'emoji-16-guided',
      sha256,
      prompts: ['cat face'],
      seeds: [21],
      num_inference_steps: 2,
      guidance_scale: 2,
      negative_prompt: 'noto',
    })
    const drop = (bytes: Buffer, name: string) =>
      page().evaluate(
        ([text, name]) => {
          const dataTransfer = new DataTransfer()
          const file = new File([Uint8Array.from(atob(text!), (letter) => letter.charCodeAt(0))], name!)
          dataTransfer.items.add(file)
          document.body.dispatchEvent(
            new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }),
          )
        },
        [bytes.toString('base64'), name],
      )
    await open('#prompt=owl&seed=4&view=compare')
    await drop(png, 'cat.png')
    await expect.poll(() => page().getByLabel('Prompt', { exact: true }).inputValue()).toBe('cat face')
    await expect.poll(() => pixelsOf(picture())).toEqual(before)
    expect(await page().getByLabel('Negative prompt').inputValue()).toBe('noto')
    // An edit's settings come back, and the page says that its picture does not.
    const edited = withRecipe(png, {
      model: 'emoji-16-guided',
      prompts: ['pizza'],
      seeds: [3],
      num_inference_steps: 4,
      edit: { strength: 0.6, picture: { name: 'sketch.png', sha256: 'ab' }, mask: null },
    })
    await drop(Buffer.from(edited), 'edited.png')
    await expect.poll(() => page().getByLabel('Prompt', { exact: true }).inputValue()).toBe('pizza')
    await page()
      .getByText('is an edit of sketch.png, with strength 0.6. It cannot be repeated without')
      .waitFor()
    await drop(Buffer.from('no picture'), 'notes.txt')
    await page().getByText('notes.txt does not say how it was painted').waitFor()
    expect(studio.complaints).toEqual([])
  })

  it('recalls the link that a picture had, and says that a sheet is one', async () => {
    const sheet = join(studio.work, 'sheet.png')
    await succeeds(['sample', STUDENT, '--prompt', 'owl', '--seed', '30', '-n', '16', '--out', sheet])
    const drop = async (file: string) => {
      const text = (await readFile(file)).toString('base64')
      await page().evaluate((text) => {
        const dataTransfer = new DataTransfer()
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
        dataTransfer.items.add(new File([bytes], 'dropped.png'))
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
      }, text)
    }
    const asked = [
      'prompt=cat+face&seed=0&steps=1',
      'prompt=owl&style=noto&seed=21&steps=2&guidance=2&without=red',
      'prompt=owl&style=fluent&seed=21&steps=1&to-prompt=pizza&to-seed=9&mix=0.4',
      'prompt=owl&seed=21&steps=1&to-seed=21&mix=0.4',
    ].map((parts) => `#model=emoji-16-guided&${parts}`)
    for (const link of asked) {
      await open(link)
      await painted()
      const download = page().waitForEvent('download')
      await page().getByRole('button', { name: 'Save PNG' }).click()
      const file = await (await download).path()
      // Something else of everything.
      await open(
        '#prompt=pizza&style=noto&seed=4&steps=3&guidance=3&without=owl&to-prompt=ant&to-seed=5&mix=0.9',
      )
      await painted()
      await drop(file)
      await expect.poll(() => page().evaluate(() => location.hash)).toBe(link)
      expect(await page().getByRole('alert').count()).toBe(0)
    }
    await drop(sheet)
    await page().getByText('dropped.png is a sheet of 16 pictures; its first is shown.').waitFor()
    const first = '#model=emoji-16-guided&prompt=owl&seed=30&steps=1'
    await expect.poll(() => page().evaluate(() => location.hash)).toBe(first)
    expect(studio.complaints).toEqual([])
  })

  it('saves the picture that is shown, with its recipe, while the next is painted', async () => {
    await open('#model=emoji-16-teacher&prompt=owl&seed=5&steps=32&pixels=1')
    await painted()
    const owl = await pixelsOf(picture())
    // The browser writes a picture when the test lets it.
    await page().evaluate(() => {
      const { toBlob } = HTMLCanvasElement.prototype
      HTMLCanvasElement.prototype.toBlob = function (...given) {
        Object.assign(window, { write: () => toBlob.apply(this, given) })
      }
    })
    /** Another prompt and seed, and a click before anything else can happen. */
    await page().evaluate(() => {
      const write = (label: string, value: string) => {
        const found = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === label)
        const field = found!.control as HTMLInputElement
        field.value = value
        field.dispatchEvent(new Event('input', { bubbles: true }))
      }
      write('Prompt', 'pizza')
      write('Seed', '6')
      const buttons = [...document.querySelectorAll('button')]
      buttons.find(({ textContent }) => textContent === 'Save PNG')!.click()
    })
    const written = async () => {
      const download = page().waitForEvent('download')
      await page().evaluate(() => (window as never as { write(): void }).write())
      const file = await download
      const png = await readFile(await file.path())
      const { prompts, seeds } = readRecipe(png)!
      // Every pixel is a square of 16×16.
      const small = sharp(png).ensureAlpha().resize(16, 16, { kernel: 'nearest' })
      return { name: file.suggestedFilename(), prompts, seeds, pixels: [...(await small.raw().toBuffer())] }
    }
    // By now the next one is shown.
    await page().getByRole('img', { name: 'pizza seed 6', exact: true }).waitFor()
    await page().locator('.stage[aria-busy="false"]').waitFor()
    const pizza = await changed(picture(), owl)
    expect(await written()).toEqual({ name: 'owl-seed-5.png', prompts: ['owl'], seeds: [5], pixels: owl })
    await page().getByRole('button', { name: 'Save PNG' }).click()
    expect(await written()).toEqual({
      name: 'pizza-seed-6.png',
      prompts: ['pizza'],
      seeds: [6],
      pixels: pizza,
    })
    expect(studio.complaints).toEqual([])
  })
})
