/** The studio’s built page in a real browser, with the shipped models: what a designer does with it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { openCatalogue } from '../../packages/onestroke/src/studio/index.js'
import { launchWebgpu, webgpuLacks } from '../web/browser.js'
import { describeInBrowser } from '../web/describe.js'
import { changed, openStudio, pixelsOf, STUDENT, TEACHER_STEPS } from './testing.js'

describeInBrowser('the studio', () => {
  const studio = openStudio()
  const { open, page, picture, painted } = studio

  it('paints, follows a slider while it is dragged, and says how long it took', async () => {
    await open('#prompt=red+heart&seed=3')
    await painted()
    const first = await pixelsOf(picture())
    expect(new Set(first).size).toBeGreaterThan(20)
    await page().getByText('Interpolate to another picture').click()
    const slider = page().getByRole('slider', { name: 'Mix' })
    await slider.scrollIntoViewIfNeeded()
    const box = (await slider.boundingBox())!
    const at = (share: number) => [box.x + 8 + share * (box.width - 16), box.y + box.height / 2] as const
    await page().mouse.move(...at(0))
    await page().mouse.down()
    const seen: number[][] = [first]
    for (const share of [0.3, 0.6, 0.9]) {
      await page().mouse.move(...at(share), { steps: 5 })
      seen.push(await changed(picture(), seen.at(-1)!))
    }
    await page().mouse.up()
    expect(await page().locator('.status').textContent()).toMatch(
      /^[\d.]+ ms a picture in one step, [\d.]+ ms from slider to page · WebAssembly, (\d) threads$/,
    )
    expect(studio.complaints).toEqual([])
  })

  it('says at the field which seeds there are, and draws one where -1 or random is typed', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    await page().getByText('Interpolate to another picture').click()
    for (const [label, usual] of [
      ['Seed', '5'],
      ['Other seed', '8'],
    ] as const) {
      const seed = page().getByLabel(label, { exact: true })
      const said = page().getByText(
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
        await expect.poll(() => page().url()).toContain(part)
      }
      await seed.fill('7')
      await seed.press('ArrowUp')
      expect(await seed.inputValue()).toBe('8')
      await seed.press('ArrowDown')
      expect(await seed.inputValue()).toBe('7')
    }
    expect(studio.complaints).toEqual([])
  })

  it('says what the model does not read of a prompt, when the word is whole', async () => {
    await open('#prompt=cat+🧯')
    await painted()
    const notes = page().locator('.prompt .hint')
    expect(await notes.allTextContents()).toEqual(['The model reads words, and not "🧯".'])
    const field = page().getByLabel('Prompt', { exact: true })
    await field.fill('cat fac')
    expect(await notes.count()).toBe(0)
    await field.fill('xyzzy')
    expect(await notes.allTextContents()).toEqual([
      'The model has not seen "xyzzy"; it goes by similar spelling.',
    ])
    await field.fill('🐱')
    expect(await notes.count()).toBe(0)
    // Of the negative prompt and of the one at the other end, each at its field.
    await page().getByRole('slider', { name: 'Guidance' }).fill('2')
    await page().getByText('Interpolate to another picture').click()
    for (const [label, word] of [
      ['Negative prompt', 'plugh'],
      ['Other prompt', 'frobnitz'],
    ] as const) {
      const other = page().locator('.field', { has: page().getByLabel(label, { exact: true }) })
      const said = other.getByRole('status')
      expect(await said.count()).toBe(0)
      await page().getByLabel(label, { exact: true }).fill(word)
      await said.waitFor()
      expect(await said.allTextContents()).toEqual([
        `The model has not seen "${word}"; it goes by similar spelling.`,
      ])
      await page().getByLabel(label, { exact: true }).fill('red heart')
      await expect.poll(() => said.count()).toBe(0)
    }
  })

  it('is guided as far as the student learned, and away from words', async () => {
    await open('#prompt=cat+face&seed=5&guidance=9')
    await painted()
    const slider = page().getByRole('slider', { name: 'Guidance' })
    expect([await slider.getAttribute('min'), await slider.getAttribute('max')]).toEqual(['1', '3'])
    const guided = await pixelsOf(picture())
    await slider.fill('2')
    const less = await changed(picture(), guided)
    await page().getByLabel('Negative prompt').fill('noto')
    const away = await changed(picture(), less)
    await expect.poll(() => page().evaluate(() => location.hash)).toContain('guidance=2&without=noto')
    await slider.fill('1')
    await changed(picture(), away)
    expect(await page().getByLabel('Negative prompt').count()).toBe(0)
    expect(studio.complaints).toEqual([])
  })

  it('shows the model’s picture that was chosen last, though another is still painting', async () => {
    await open('#seed=3&prompt=owl')
    await painted()
    const students = await pixelsOf(picture())
    const model = page().getByRole('combobox', { name: 'Model' })
    await model.selectOption('emoji-16-teacher')
    await changed(picture(), students)
    await page().getByLabel('Steps').fill('32')
    await page().getByLabel('Seed', { exact: true }).fill('4')
    await page().waitForTimeout(30)
    await page().getByLabel('Seed', { exact: true }).fill('3')
    await model.selectOption('emoji-16-guided')
    await page().waitForTimeout(2000)
    expect(await pixelsOf(picture())).toEqual(students)
  })

  it('opens a model again whose worker has failed', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    const before = await pixelsOf(picture())
    const loading = page().locator('.loading').waitFor()
    const worker = page()
      .workers()
      .find((one) => one.url().includes('/assets/worker-'))!
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
    const prompt = page().getByLabel('Prompt', { exact: true })
    await prompt.fill('red hea')
    await page().getByRole('button', { name: 'red heart', exact: true }).click()
    expect(await prompt.inputValue()).toBe('red heart')
    for (const kind of ['Variations', 'Variations', 'Other seeds']) {
      const seeds = () =>
        page()
          .locator('.tiles canvas')
          .evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel))
      const before = await seeds()
      await page().getByRole('button', { name: kind }).click()
      await expect.poll(seeds).not.toEqual(before)
      expect(await seeds()).toHaveLength(12)
      await page().waitForTimeout(300)
      const tile = page().locator('.tiles .tile').nth(4)
      const chosen = await pixelsOf(tile.locator('canvas'))
      await tile.click()
      await expect
        .poll(async () => {
          const now = await pixelsOf(picture())
          return Math.max(...now.map((value, i) => Math.abs(value - chosen[i]!)))
        })
        .toBeLessThanOrEqual(2)
      // However often: of the picture that they began with.
      if (kind === 'Variations') await page().waitForURL(/to-seed=3(&|$)/)
    }
    const saved = async (button: string) => {
      const download = page().waitForEvent('download')
      await page().getByRole('button', { name: button }).click()
      return sharp(await readFile(await (await download).path())).metadata()
    }
    expect(await saved('Save PNG')).toMatchObject({ width: 256, height: 256, format: 'png' })
    expect(await saved('Save sprite sheet')).toMatchObject({ width: 96, height: 32, format: 'png' })
    await page().getByRole('button', { name: 'Copy picture' }).click()
    await page().getByText('Copied').waitFor()
    const types = await page().evaluate(async () => (await navigator.clipboard.read())[0]!.types)
    expect(types).toEqual(['image/png'])
  })

  it('shows the teacher’s strokes beside the student', async () => {
    await open('#view=compare&prompt=cat+face&seed=5')
    await page()
      .getByText(/The student is .* faster here/)
      .waitFor()
    expect(await page().locator('.film li').count()).toBe(TEACHER_STEPS)
    // The teacher paints as its config says, and as `sample` paints it.
    const config = JSON.parse(await readFile('models/emoji-16-teacher/config.json', 'utf8'))
    expect(config.sampling).toMatchObject({ solver: 'dpmpp_2m', num_inference_steps: TEACHER_STEPS })
    const [said] = await page().getByText('steps of').allTextContents()
    expect(said).toMatch(/^8 of 8 steps of DPM-Solver\+\+ · [\d.]+ m?s$/)
    const [student, teacher] = await Promise.all(
      [0, 1].map((i) => pixelsOf(page().locator('.pair .picture').nth(i))),
    )
    const far = Math.sqrt(
      student!.reduce((sum, value, i) => sum + (value - teacher![i]!) ** 2, 0) / student!.length,
    )
    expect(far).toBeGreaterThan(0)
    // From the same noise the same picture: far nearer than any other.
    expect(far).toBeLessThan(40)
    expect(studio.complaints).toEqual([])
  })

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
        expect(await page().locator('.status').textContent()).toContain('WebGPU')
        const far = (await pixelsOf(picture())).map((value, i) => Math.abs(value - wasm[i]!))
        expect(Math.max(...far)).toBeLessThanOrEqual(2)
      } finally {
        await studio.leave()
        await other.close()
      }
    },
  )

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
