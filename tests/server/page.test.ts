/** What the server says of itself: its page, whose examples work as they stand, and its OpenAPI document. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { launch } from '../web/browser.js'
import { describeInBrowser } from '../web/describe.js'
import { type Server, start } from './testing.js'

const TOKEN = 'a-token-of-enough-letters'
const open = await start()
const closed = await start({ token: TOKEN })
const run = promisify(execFile)
const hasCurl = (() => {
  try {
    execFileSync('curl', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** The examples of a page, as a reader copies them. */
const examplesOf = async ({ url }: Server) => {
  const response = await fetch(url)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const html = await response.text()
  expect(html).not.toMatch(/<script|src=|href="http/)
  const examples = [...html.matchAll(/<pre><code>([^<]*)<\/code><\/pre>/g)].map(([, code]) =>
    code!.replace(/&#(\d+);/g, (_, number) => String.fromCharCode(Number(number))),
  )
  expect(examples).toHaveLength(4)
  return {
    curl: examples.filter((code) => code.startsWith('curl')),
    js: examples.find((code) => code.startsWith('const'))!,
  }
}

describe('the page', () => {
  it.each(['without', 'with'])('has an example that Node runs as it stands, %s a token', async (how) => {
    const { js } = await examplesOf(how === 'with' ? closed : open)
    const { stdout } = await run('node', ['--input-type=module', '-e', js.replace('YOUR-TOKEN', TOKEN)])
    expect(stdout.match(/data:image\/png;base64,iVBOR/g)).toHaveLength(4)
  })

  const lacking = hasCurl ? '' : ': there is no curl'
  const pasted = `has examples that work when pasted into a shell, %s a token${lacking}`
  it.skipIf(!hasCurl).each(['without', 'with'])(pasted, async (how) => {
    const { curl } = await examplesOf(how === 'with' ? closed : open)
    const folder = await mkdtemp(join(tmpdir(), 'onestroke-page-'))
    for (const command of curl)
      await run('sh', ['-c', command], { cwd: folder, env: { ...process.env, ONESTROKE_TOKEN: TOKEN } })
    expect(await sharp(join(folder, 'picture.png')).metadata()).toMatchObject({ format: 'png', width: 256 })
    for (const [file, count, width] of [
      ['edited.json', 1, 16],
      ['pictures.json', 2, 256],
    ] as const) {
      const { data } = JSON.parse(await readFile(join(folder, file), 'utf8'))
      expect(data).toHaveLength(count)
      expect((await sharp(Buffer.from(data[0].b64_json, 'base64')).metadata()).width).toBe(width)
    }
  })
})

describeInBrowser('in Chromium', () => {
  it('the page has nothing to complain of, and its example works in its console', async () => {
    const { js } = await examplesOf(open)
    const browser = await launch()
    const page = await browser.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    await page.goto(open.url)
    expect(said).toEqual([])
    await page.evaluate(`(async () => {${js}})()`)
    expect(said).toEqual([expect.stringContaining('Array')])
    await browser.close()
  })
})

describe('the OpenAPI document', () => {
  it.each(['without', 'with'])('passes a linter without a remark, %s a token', async (how) => {
    const { url } = how === 'with' ? closed : open
    const source = await (await fetch(`${url}/openapi.json`)).text()
    expect(Object.keys(JSON.parse(source).paths).length).toBeGreaterThan(12)
    const config = await createConfig({ extends: ['recommended'] })
    const remarks = await lintFromString({ source, config })
    expect(remarks.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
      [],
    )
  })
})

describe('warnings', () => {
  const ignored = 'the model reads the first 8 words of a prompt, and not "nine", "ten"'
  const unknown = (word: string) => `the model has not seen "${word}"; it goes by similar spelling`
  const prompt = 'red heart face with smiling eyes cat mouth nine ten'

  it('are told of words that the model does not read or know, in JSON and in a header', async () => {
    const ask = (body: object) => open.post('/generate', { seed: 1, ...body })
    expect((await (await ask({ prompt, format: 'json' })).json()).warnings).toEqual([ignored])
    const told = async (body: object) => {
      const text = (await ask(body)).headers.get('x-warnings')
      return text === null ? undefined : JSON.parse(text)
    }
    expect(await told({ prompt })).toEqual([ignored])
    expect(await told({ prompt: 'Привет' })).toEqual([unknown('привет')])
    expect(await told({ prompt: 'owl', to: { prompt: 'qwertz', weight: 0.5 } })).toEqual([unknown('qwertz')])
    expect(await told({ prompt: '🧯' })).toEqual([
      'the model finds no word in "🧯"; it paints as without a prompt',
    ])
    expect(await told({ prompt: '❤️' })).toBeUndefined()
    expect(await told({ prompt: 'owl', format: 'webp' })).toBeUndefined()
    expect(await (await ask({ prompt: 'owl', format: 'json' })).json()).not.toHaveProperty('warnings')
  })
})
