/** The studio's built page in a real browser, with the shipped models: what a designer does with it. */
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readRecipe, withRecipe } from '../../packages/core/src/pipeline/index.js'
import { openCatalogue } from '../../packages/onestroke/src/studio/index.js'
import { listRuns } from '../../packages/onestroke/src/studio/runs.js'
import { lockRun } from '../../packages/onestroke/src/training/index.js'
import { succeeds } from '../cli/testing.js'
import { browserLacks, launchWebgpu, webgpuLacks } from '../web/browser.js'
import { changed, LAST_STROKE, pixelsOf, STUDENT, Studio, TEACHER_STEPS } from './testing.js'

describe.skipIf(browserLacks !== undefined)(`the studio${browserLacks ? `: ${browserLacks}` : ''}`, () => {
  let studio: Studio
  const picture = () => studio.picture()
  const painted = () => studio.painted()
  let page: Page
  const open = async (...options: Parameters<Studio['visit']>) => {
    page = await studio.visit(...options)
  }

  beforeAll(async () => {
    studio = await Studio.open(async (work) => {
      await succeeds([
        'train',
        'iconify:fluent-emoji-flat',
        '--category',
        'Flags',
        '--resolution',
        '16',
        '--preset',
        'tiny',
        '--images',
        '640',
        '--out',
        join(work, 'runs/first'),
      ])
    })
  })
  afterAll(() => studio?.close())
  afterEach(() => studio.leave())

  it('paints, follows a slider while it is dragged, and says how long it took', async () => {
    await open('#prompt=red+heart&seed=3')
    await painted()
    const first = await pixelsOf(picture())
    expect(new Set(first).size).toBeGreaterThan(20)
    await page.getByText('Interpolate to another picture').click()
    const slider = page.getByRole('slider', { name: 'Mix' })
    await slider.scrollIntoViewIfNeeded()
    const box = (await slider.boundingBox())!
    const at = (share: number) => [box.x + 8 + share * (box.width - 16), box.y + box.height / 2] as const
    await page.mouse.move(...at(0))
    await page.mouse.down()
    const seen: number[][] = [first]
    for (const share of [0.3, 0.6, 0.9]) {
      await page.mouse.move(...at(share), { steps: 5 })
      seen.push(await changed(picture(), seen.at(-1)!))
    }
    await page.mouse.up()
    expect(await page.locator('.status').textContent()).toMatch(
      /^[\d.]+ ms a picture in one step, [\d.]+ ms from slider to page · WebAssembly, (\d) threads$/,
    )
    expect(studio.complaints).toEqual([])
  })

  it('has a link that is the picture', async () => {
    await open('#prompt=owl&seed=12')
    await painted()
    await page.getByRole('button', { name: 'New seed' }).first().click()
    const seed = await page.getByLabel('Seed', { exact: true }).inputValue()
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByText('Copied').waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    expect(link).toContain(`seed=${seed}`)
    expect(link).toContain('prompt=owl')
    await expect.poll(async () => (await pixelsOf(picture())).length).toBe(16 * 16 * 4)
    await page.waitForTimeout(500)
    const before = await pixelsOf(picture())
    await open(link.slice(studio.url.length))
    await painted()
    expect(await pixelsOf(picture())).toEqual(before)
    // A style that the model does not have is none; nor is a device, or a number of steps, that there is not.
    const odd = link.slice(studio.url.length).replace(/&steps=\d+/, '')
    await open(`${odd}&style=nonsense&device=none&steps=32`)
    await painted()
    expect(await page.locator('.status').textContent()).toContain(' in 8 steps')
    await page.getByLabel('Steps').fill('1')
    await expect.poll(() => pixelsOf(picture())).toEqual(before)
    // Another link, pasted into the same tab.
    await page.evaluate(() => location.assign('#prompt=pizza&seed=4'))
    await expect.poll(() => page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('pizza')
  })

  it('saves a PNG that brings its settings back when it is dropped', async () => {
    await open('#prompt=cat+face&seed=21&steps=2&guidance=2&without=noto')
    await painted()
    const before = await pixelsOf(picture())
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save PNG' }).click()
    const png = await readFile(await (await download).path())
    expect(readRecipe(png)).toEqual({
      model: 'emoji-16-guided',
      prompts: ['cat face'],
      seeds: [21],
      num_inference_steps: 2,
      guidance_scale: 2,
      negative_prompt: 'noto',
    })
    const drop = (bytes: Buffer, name: string) =>
      page.evaluate(
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
    await expect.poll(() => page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('cat face')
    await expect.poll(() => pixelsOf(picture())).toEqual(before)
    expect(await page.getByLabel('Negative prompt').inputValue()).toBe('noto')
    // An edit's settings come back, and the page says that its picture does not.
    const edited = withRecipe(png, {
      model: 'emoji-16-guided',
      prompts: ['pizza'],
      seeds: [3],
      num_inference_steps: 4,
      edit: { strength: 0.6, picture: { name: 'sketch.png', sha256: 'ab' }, mask: null },
    })
    await drop(Buffer.from(edited), 'edited.png')
    await expect.poll(() => page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('pizza')
    await page
      .getByText('is an edit of sketch.png, with strength 0.6. It cannot be repeated without')
      .waitFor()
    await drop(Buffer.from('no picture'), 'notes.txt')
    await page.getByText('notes.txt does not say how it was painted').waitFor()
    expect(studio.complaints).toEqual([])
  })

  it('recalls the link that a picture had, and says that a sheet is one', async () => {
    const sheet = join(studio.work, 'sheet.png')
    await succeeds(['sample', STUDENT, '--prompt', 'owl', '--seed', '30', '-n', '16', '--out', sheet])
    const drop = async (file: string) => {
      const text = (await readFile(file)).toString('base64')
      await page.evaluate((text) => {
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
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Save PNG' }).click()
      const file = await (await download).path()
      // Something else of everything.
      await open(
        '#prompt=pizza&style=noto&seed=4&steps=3&guidance=3&without=owl&to-prompt=ant&to-seed=5&mix=0.9',
      )
      await painted()
      await drop(file)
      await expect.poll(() => page.evaluate(() => location.hash)).toBe(link)
      expect(await page.getByRole('alert').count()).toBe(0)
    }
    await drop(sheet)
    await page.getByText('dropped.png is a sheet of 16 pictures; its first is shown.').waitFor()
    const first = '#model=emoji-16-guided&prompt=owl&seed=30&steps=1'
    await expect.poll(() => page.evaluate(() => location.hash)).toBe(first)
    expect(studio.complaints).toEqual([])
  })

  it('says at the field which seeds there are, and draws one where -1 or random is typed', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    await page.getByText('Interpolate to another picture').click()
    for (const [label, usual] of [
      ['Seed', '5'],
      ['Other seed', '8'],
    ] as const) {
      const seed = page.getByLabel(label, { exact: true })
      const said = page.getByText(
        'A seed is a whole number from 0 to 4294967295, or -1 or random, which draw one.',
      )
      for (const typed of ['-2', '4294967296', '1.5', '']) {
        await seed.fill(typed)
        await said.waitFor()
        expect([await seed.inputValue(), await seed.getAttribute('aria-invalid')]).toEqual([typed, 'true'])
        const describedBy = await seed.getAttribute('aria-describedby')
        expect(await said.getAttribute('id')).toBe(describedBy)
        await seed.blur()
        expect([await seed.inputValue(), await seed.getAttribute('aria-invalid')]).toEqual([usual, 'false'])
        expect(await said.count()).toBe(0)
      }
      for (const typed of ['-1', 'random']) {
        await seed.fill(typed)
        const drawn = await seed.inputValue()
        expect(drawn).toMatch(/^\d+$/)
        const part = label === 'Seed' ? `&seed=${drawn}` : `&to-seed=${drawn}`
        await expect.poll(() => page.url()).toContain(part)
      }
      await seed.fill('7')
      await seed.press('ArrowUp')
      expect(await seed.inputValue()).toBe('8')
      await seed.press('ArrowDown')
      expect(await seed.inputValue()).toBe('7')
    }
    expect(studio.complaints).toEqual([])
  })

  it('saves the picture that is shown, with its recipe, while the next is painted', async () => {
    await open('#model=emoji-16-teacher&prompt=owl&seed=5&steps=32&pixels=1')
    await painted()
    const owl = await pixelsOf(picture())
    // The browser writes a picture when the test lets it.
    await page.evaluate(() => {
      const { toBlob } = HTMLCanvasElement.prototype
      HTMLCanvasElement.prototype.toBlob = function (...given) {
        Object.assign(window, { write: () => toBlob.apply(this, given) })
      }
    })
    /** Another prompt and seed, and a click before anything else can happen. */
    await page.evaluate(() => {
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
      const download = page.waitForEvent('download')
      await page.evaluate(() => (window as never as { write(): void }).write())
      const file = await download
      const png = await readFile(await file.path())
      const { prompts, seeds } = readRecipe(png)!
      // Every pixel is a square of 16×16.
      const small = sharp(png).ensureAlpha().resize(16, 16, { kernel: 'nearest' })
      return { name: file.suggestedFilename(), prompts, seeds, pixels: [...(await small.raw().toBuffer())] }
    }
    // By now the next one is shown.
    await page.getByRole('img', { name: 'pizza seed 6', exact: true }).waitFor()
    await page.locator('.stage[aria-busy="false"]').waitFor()
    const pizza = await changed(picture(), owl)
    expect(await written()).toEqual({ name: 'owl-seed-5.png', prompts: ['owl'], seeds: [5], pixels: owl })
    await page.getByRole('button', { name: 'Save PNG' }).click()
    expect(await written()).toEqual({
      name: 'pizza-seed-6.png',
      prompts: ['pizza'],
      seeds: [6],
      pixels: pizza,
    })
    expect(studio.complaints).toEqual([])
  })

  it('says what the model does not read of a prompt, when the word is whole', async () => {
    await open('#prompt=cat+🧯')
    await painted()
    const notes = page.locator('.prompt .hint')
    expect(await notes.allTextContents()).toEqual(['The model reads words, and not "🧯".'])
    const field = page.getByLabel('Prompt', { exact: true })
    await field.fill('cat fac')
    expect(await notes.count()).toBe(0)
    await field.fill('xyzzy')
    expect(await notes.allTextContents()).toEqual([
      'The model has not seen "xyzzy"; it goes by similar spelling.',
    ])
    await field.fill('🐱')
    expect(await notes.count()).toBe(0)
  })

  it('is guided as far as the student learned, and away from words', async () => {
    await open('#prompt=cat+face&seed=5&guidance=9')
    await painted()
    const slider = page.getByRole('slider', { name: 'Guidance' })
    expect([await slider.getAttribute('min'), await slider.getAttribute('max')]).toEqual(['1', '3'])
    const guided = await pixelsOf(picture())
    await slider.fill('2')
    const less = await changed(picture(), guided)
    await page.getByLabel('Negative prompt').fill('noto')
    const away = await changed(picture(), less)
    await expect.poll(() => page.evaluate(() => location.hash)).toContain('guidance=2&without=noto')
    await slider.fill('1')
    await changed(picture(), away)
    expect(await page.getByLabel('Negative prompt').count()).toBe(0)
    expect(studio.complaints).toEqual([])
  })

  it('shows the model’s picture that was chosen last, though another is still painting', async () => {
    await open('#seed=3&prompt=owl')
    await painted()
    const students = await pixelsOf(picture())
    const model = page.getByRole('combobox', { name: 'Model' })
    await model.selectOption('emoji-16-teacher')
    await changed(picture(), students)
    await page.getByLabel('Steps').fill('32')
    await page.getByLabel('Seed', { exact: true }).fill('4')
    await page.waitForTimeout(30)
    await page.getByLabel('Seed', { exact: true }).fill('3')
    await model.selectOption('emoji-16-guided')
    await page.waitForTimeout(2000)
    expect(await pixelsOf(picture())).toEqual(students)
  })

  it('opens a model again whose worker has failed', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    const before = await pixelsOf(picture())
    const loading = page.locator('.loading').waitFor()
    const worker = page.workers().find((one) => one.url().includes('/assets/worker-'))!
    await worker.evaluate(() => {
      setTimeout(() => {
        throw new Error('out of memory')
      }, 50)
    })
    await loading
    await painted()
    expect(await pixelsOf(picture())).toEqual(before)
  })

  it('suggests words, draws relatives to choose from, and saves pictures and sprite sheets', async () => {
    await open('#seed=3')
    await painted()
    const prompt = page.getByLabel('Prompt', { exact: true })
    await prompt.fill('red hea')
    await page.getByRole('button', { name: 'red heart', exact: true }).click()
    expect(await prompt.inputValue()).toBe('red heart')
    for (const kind of ['Variations', 'Variations', 'Other seeds']) {
      const seeds = () =>
        page.locator('.tiles canvas').evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel))
      const before = await seeds()
      await page.getByRole('button', { name: kind }).click()
      await expect.poll(seeds).not.toEqual(before)
      expect(await seeds()).toHaveLength(12)
      await page.waitForTimeout(300)
      const tile = page.locator('.tiles .tile').nth(4)
      const chosen = await pixelsOf(tile.locator('canvas'))
      await tile.click()
      await expect
        .poll(async () => {
          const now = await pixelsOf(picture())
          return Math.max(...now.map((value, i) => Math.abs(value - chosen[i]!)))
        })
        .toBeLessThanOrEqual(2)
      // However often: of the picture that they began with.
      if (kind === 'Variations') await page.waitForURL(/to-seed=3(&|$)/)
    }
    const saved = async (button: string) => {
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: button }).click()
      return sharp(await readFile(await (await download).path())).metadata()
    }
    expect(await saved('Save PNG')).toMatchObject({ width: 256, height: 256, format: 'png' })
    expect(await saved('Save sprite sheet')).toMatchObject({ width: 96, height: 32, format: 'png' })
    await page.getByRole('button', { name: 'Copy picture' }).click()
    await page.getByText('Copied').waitFor()
    const types = await page.evaluate(async () => (await navigator.clipboard.read())[0]!.types)
    expect(types).toEqual(['image/png'])
  })

  it('shows the teacher’s strokes beside the student', async () => {
    await open('#view=compare&prompt=cat+face&seed=5')
    await page.getByText(/The student is .* faster here/).waitFor()
    expect(await page.locator('.film li').count()).toBe(TEACHER_STEPS)
    // The teacher paints as its config says, and as `sample` paints it.
    const config = JSON.parse(await readFile('models/emoji-16-teacher/config.json', 'utf8'))
    expect(config.sampling).toMatchObject({ solver: 'dpmpp_2m', num_inference_steps: TEACHER_STEPS })
    const [said] = await page.getByText('steps of').allTextContents()
    expect(said).toMatch(/^8 of 8 steps of DPM-Solver\+\+ · [\d.]+ m?s$/)
    const [student, teacher] = await Promise.all(
      [0, 1].map((i) => pixelsOf(page.locator('.pair .picture').nth(i))),
    )
    const far = Math.sqrt(
      student!.reduce((sum, value, i) => sum + (value - teacher![i]!) ** 2, 0) / student!.length,
    )
    expect(far).toBeGreaterThan(0)
    // From the same noise the same picture: far nearer than any other.
    expect(far).toBeLessThan(40)
    expect(studio.complaints).toEqual([])
  })

  it('can be used with the keyboard alone', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement
        return element.getAttribute('aria-label') ?? element.textContent ?? ''
      })
    const tabTo = async (wanted: RegExp) => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab')
        if (wanted.test(await focused())) return
      }
      throw new Error(`no way to ${wanted} by Tab`)
    }
    await tabTo(/New seed/)
    const before = await pixelsOf(picture())
    await page.keyboard.press('Enter')
    await changed(picture(), before)
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.reload()
    await painted()
    await tabTo(/^Draw$/)
    await page.keyboard.press('Enter')
    await page.getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
    const result = page.locator('.draw .picture')
    const empty = await pixelsOf(result)
    await tabTo(/Your drawing/)
    for (const key of ['ArrowLeft', 'ArrowUp', ' ', 'Shift+ArrowRight', 'Shift+ArrowRight'])
      await page.keyboard.press(key)
    await changed(result, empty)
  })

  it.each([
    ['light', 'desktop'],
    ['dark', 'phone'],
  ] as const)(
    'has nothing that axe finds wrong, in %s on a %s, and nothing too wide',
    async (colorScheme, kind) => {
      const viewport = kind === 'phone' ? { width: 390, height: 844 } : { width: 1280, height: 900 }
      await open('#prompt=owl&seed=5', { colorScheme, viewport })
      await page.evaluate(axe.source)
      for (const view of ['Paint', 'Compare', 'Draw', 'Train']) {
        await page.getByRole('navigation').getByRole('button', { name: view }).click()
        await page.locator(`.stage .picture, ${LAST_STROKE}, .easel, .samples img`).first().waitFor()
        if (view === 'Paint') {
          await page.getByText('Interpolate to another picture').click()
          await page.getByRole('button', { name: 'Other seeds' }).click()
          await page.locator('.tiles li').nth(11).waitFor()
        }
        const { violations } = await page.evaluate(() => (window as never as { axe: typeof axe }).axe.run())
        expect(violations.map(({ id, nodes }) => `${view}: ${id} ${nodes[0]!.html}`)).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
          viewport.width,
        )
      }
    },
  )

  it.skipIf(webgpuLacks !== undefined)(
    `paints the same on WebGPU${webgpuLacks ? `: ${webgpuLacks}` : ''}`,
    async () => {
      await open('#prompt=owl&seed=5')
      await painted()
      const wasm = await pixelsOf(picture())
      const other = await launchWebgpu()
      try {
        await open('#prompt=owl&seed=5&device=webgpu', {}, other)
        await painted()
        expect(await page.locator('.status').textContent()).toContain('WebGPU')
        const far = (await pixelsOf(picture())).map((value, i) => Math.abs(value - wasm[i]!))
        expect(Math.max(...far)).toBeLessThanOrEqual(2)
      } finally {
        await studio.leave()
        await other.close()
      }
    },
  )

  it('shows trainings: curves, and pictures through time', async () => {
    await open('#view=train')
    await page.getByText('Done: 100 %').waitFor()
    expect(await page.locator('.facts').textContent()).toMatch(/of 640 pictures, \d+ a second, train with/)
    expect(await page.locator('.curve figcaption span').first().textContent()).toMatch(
      /^now loss: 0?\.\d+|^now loss: \d/,
    )
    const image = page.locator('.samples img')
    expect(await image.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBeGreaterThan(100)
    const [png] = await readdir(join(studio.work, 'runs/first/samples'))
    expect(await image.getAttribute('src')).toContain(png)
    expect(studio.complaints).toEqual([])
  })

  it('says that the progress of a training is damaged, and shows what there is', async () => {
    const [first, cut] = ['first', 'cut'].map((name) => join(studio.work, 'runs', name))
    await cp(first!, cut!, { recursive: true })
    const progress = await readFile(join(cut!, 'progress.json'))
    await writeFile(join(cut!, 'progress.json'), progress.subarray(0, progress.length / 2))
    await open('#view=train&run=cut')
    await page
      .getByRole('alert')
      .filter({ hasText: 'progress.json of cut is damaged or missing, so there are no curves.' })
      .waitFor()
    expect(await page.getByText('has begun').count()).toBe(0)
    await page.getByRole('button', { name: 'Paint with it' }).waitFor()
    await expect
      .poll(() => page.locator('.samples img').evaluate((image) => (image as HTMLImageElement).naturalWidth))
      .toBeGreaterThan(100)
    await rm(cut!, { recursive: true })
    expect(studio.complaints.filter((one) => !one.includes('404'))).toEqual([])
  })

  it('shows nothing that only links put into a run’s folder', async () => {
    const linked = join(studio.work, 'runs/linked')
    const secret = join(studio.work, 'secret')
    await cp(join(studio.work, 'runs/first'), linked, { recursive: true })
    await mkdir(secret)
    for (const name of ['report.html', '0000000001.png']) await writeFile(join(secret, name), 'secret')
    await symlink(join(secret, 'report.html'), join(linked, 'report.html'))
    await symlink(join(secret, '0000000001.png'), join(linked, 'samples/0000000001.png'))
    const at = (name: string, rest: string) => fetch(`${studio.url}api/runs/${name}${rest}`)
    const samples = await readdir(join(studio.work, 'runs/first/samples'))
    expect(await (await at('linked', '')).json()).toMatchObject({ report: false, samples })
    for (const file of ['/report', '/samples/0000000001.png']) {
      const answer = await at('linked', file)
      expect([answer.status, await answer.text()]).toEqual([404, expect.not.stringMatching(/^secret/)])
    }
    await rm(join(linked, 'samples'), { recursive: true })
    await symlink(secret, join(linked, 'samples'))
    expect(await (await at('linked', '')).json()).toMatchObject({ samples: [] })
    expect((await at('linked', '/samples/0000000001.png')).status).toBe(404)
    // A run that is reached by a link is a run.
    await rm(linked, { recursive: true })
    await symlink('first', linked)
    expect((await at('linked', `/samples/${samples[0]}`)).status).toBe(200)
    await writeFile(join(linked, 'report.html'), '<title>Report</title>')
    expect(await (await at('linked', '/report')).text()).toBe('<title>Report</title>')
    await rm(join(linked, 'report.html'))
    await rm(linked)
  })

  it('shows nothing that only links put into an export', async () => {
    const place = join(studio.work, 'exports')
    const catalogue = await openCatalogue([STUDENT], { work: join(place, 'made'), dtype: 'fp16' })
    const exported = join(place, 'mine')
    await cp(await catalogue.folder('emoji-16-guided'), exported, { recursive: true })
    await writeFile(join(place, 'secret'), 'secret')
    await symlink('../secret', join(exported, 'secret'))
    await symlink('model.onnx', join(exported, 'same.onnx'))
    const own = await openCatalogue([exported], { work: join(place, 'again'), dtype: 'fp16' })
    expect((await readdir(await own.folder('mine'))).sort()).toEqual([
      'manifest.json',
      'model.onnx',
      'same.onnx',
    ])
  })

  /** A browser as in private windows; and one whose requests tests can answer. */
  const withoutServiceWorkers = async () => {
    const context = await studio.browser.newContext()
    await context.addInitScript(() =>
      Object.defineProperty(Navigator.prototype, 'serviceWorker', { get: () => undefined }),
    )
    return context
  }

  it('draws losses also below 0, as errors of derivatives may be', async () => {
    const other = await withoutServiceWorkers()
    const page = await other.newPage()
    await page.route('**/api/runs/first', async (to) => {
      const response = await to.fetch()
      const found = await response.json()
      const log = [1, 0, -1].map((loss, i) => ({ images: 100 * (i + 1), loss }))
      await to.fulfill({ response, json: { ...found, progress: { ...found.progress, log } } })
    })
    await page.goto(`${studio.url}#view=train`)
    await page.getByText('now loss: -1').waitFor()
    /** How far the highest line that the curve touches is from the lowest, as a share of the chart's height. */
    const reach = () =>
      page
        .locator('.curve canvas')
        .first()
        .evaluate((element) => {
          const { width, height } = element as HTMLCanvasElement
          const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
          const touched = Array.from({ length: height }, (_, y) => y).filter((y) =>
            Array.from({ length: width }, (_, x) => 4 * (y * width + x)).some(
              (at) => data[at]! - data[at + 2]! > 100 && data[at + 3]! > 200,
            ),
          )
          return touched.length > 0 ? (touched.at(-1)! - touched[0]!) / height : 0
        })
    await expect.poll(reach).toBeGreaterThan(0.5)
    await other.close()
  })

  it('says what is missing, broken or unknown', async () => {
    await open('#model=nowhere')
    await page.getByText('The link asks for the model nowhere, which is not here').waitFor()
    await painted()
    const other = await withoutServiceWorkers()
    const lacking = async (route: string, answer: object, words: RegExp) => {
      const page = await other.newPage()
      await page.route(route, (to) => to.fulfill(answer))
      await page.goto(studio.url)
      await page.getByRole('alert').filter({ hasText: words }).waitFor()
      return page
    }
    await lacking('**/models.json', { status: 404, body: '' }, /The studio cannot start: models.json: 404/)
    await lacking('**/model.onnx', { body: 'other bytes' }, /is not the graph that its manifest describes/)
    const again = await lacking(
      '**/manifest.json',
      { status: 500, body: '' },
      /emoji-16-guided does not load: cannot load .*500/,
    )
    await again.unroute('**/manifest.json')
    await again.getByRole('button', { name: 'Try again' }).click()
    await again.getByTestId('latency').waitFor()
    expect(await again.getByRole('alert').count()).toBe(0)
    await other.close()
    const answer = await fetch(`${studio.url}models/none/manifest.json`)
    expect([answer.status, await answer.json()]).toEqual([404, { error: 'there is no model none' }])
    expect((await fetch(`${studio.url}api/runs/none`)).status).toBe(404)
    for (const file of ['..%2F..%2Frun.json', '1.png'])
      expect((await fetch(`${studio.url}api/runs/first/samples/${file}`)).status).toBe(404)
  })

  it('starts by itself when what there is can be read again', async () => {
    const other = await withoutServiceWorkers()
    const page = await other.newPage()
    const answers = ['status', '<title>Sign in</title>', '', '{"models":5}', 'null', 'nothing']
    await page.route('**/models.json', (to) => {
      const answer = answers.shift()
      if (answer === 'status') return to.fulfill({ status: 503, body: '' })
      if (answer === 'nothing') return to.abort()
      return answer === undefined ? to.continue() : to.fulfill({ body: answer })
    })
    await page.goto(`${studio.url}#prompt=owl&seed=5`)
    const alert = page.getByRole('alert').filter({ hasText: 'The studio cannot start' })
    const noList = 'models.json is no list of models. It is asked for again'
    await alert.filter({ hasText: 'models.json: 503' }).waitFor()
    for (let left = 4; left > 0; left--) {
      await expect.poll(() => answers.length, { timeout: 60_000 }).toBeLessThanOrEqual(left)
      await alert.filter({ hasText: noList }).waitFor()
      expect(await page.getByText('Starting…').count()).toBe(0)
    }
    await alert.filter({ hasText: 'Failed to fetch' }).waitFor()
    await page.getByTestId('latency').waitFor()
    expect(answers).toEqual([])
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('owl')
    expect(await page.getByRole('combobox', { name: 'Model' }).locator('option').allTextContents()).toEqual([
      'emoji-16-guided',
      'emoji-16-teacher',
    ])
    await other.close()
  })

  it('paints also where the browser keeps nothing for pages', async () => {
    const other = await withoutServiceWorkers()
    const page = await other.newPage()
    await page.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('denied', 'SecurityError')
        },
      })
    })
    await page.goto(studio.url)
    await page.getByTestId('latency').waitFor()
    await page.getByRole('button', { name: /^Colours/ }).click()
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
    await other.close()
  })

  it('tells which trainings run, also where two are called the same', async () => {
    const more = join(studio.work, 'more')
    await cp(join(studio.work, 'runs/first'), join(more, 'first'), { recursive: true })
    await rm(join(more, 'first/config.json'))
    const look = async () =>
      (await listRuns([join(studio.work, 'runs'), more])).sort((a, b) => (a.name < b.name ? -1 : 1))
    const names = ['first', 'first-2']
    expect(await look()).toMatchObject(names.map((name, i) => ({ name, finished: i === 0, running: false })))
    // The first one is done: its lock is of somebody who makes its report.
    const unlocks = await Promise.all(
      [studio.work, more].map((at, i) => lockRun(join(at, i ? 'first' : 'runs/first'))),
    )
    expect(await look()).toMatchObject(
      names.map((name, i) => ({ name, finished: i === 0, running: i === 1 })),
    )
    for (const unlock of unlocks) await unlock()
    expect((await look())[1]).toMatchObject({ running: false })
  })

  it('compares students of one guidance with teachers at that', async () => {
    const work = join(studio.work, 'none')
    const { entries } = await openCatalogue([STUDENT, 'models/emoji-32-student'], { work, dtype: 'fp16' })
    const told = entries.map(({ name, guidance_scale }) => [name, guidance_scale])
    expect(Object.fromEntries(told)).toEqual({
      'emoji-16-guided': undefined,
      'emoji-16-teacher': undefined,
      'emoji-32-student': 1,
      'emoji-32-teacher': undefined,
    })
  })

  it('is for this machine alone', async () => {
    const status = async (headers: Record<string, string>) =>
      (await studio.app.inject({ url: '/models.json', headers })).statusCode
    expect(await status({ host: 'localhost:1' })).toBe(200)
    expect(await status({ host: 'evil.example' })).toBe(403)
    expect(await status({ host: 'localhost:1', origin: 'https://evil.example' })).toBe(403)
  })

  it('is no more than 200 kB of its own, compressed', async () => {
    const folder = 'packages/studio/dist/site/assets'
    const own = (await readdir(folder)).filter((name) => /^(index|worker).*\.(js|css)$/.test(name))
    const sizes = await Promise.all(
      own.map(async (name) => gzipSync(await readFile(join(folder, name))).length),
    )
    expect(own.length).toBeGreaterThanOrEqual(3)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000)
  })
})
