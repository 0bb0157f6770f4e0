/** The page at `/`: what the server does, with examples that work as they stand. */
import { type PictureSize, scaledBy, sizeText } from '@onestroke/core/picture'
import { DEFAULT_STRENGTH, exampleOf, shapeOf } from '@onestroke/core/pipeline'
import type { FastifyRequest } from 'fastify'
import type { Service } from './service.js'

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

const STYLE = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
pre { padding: .75rem 1rem; overflow-x: auto; border: 1px solid #8886; border-radius: .5rem; font-size: .875rem }
td { padding: .25rem 1rem .25rem 0; vertical-align: top }
h2 { margin-top: 2.5rem; font-size: 1.25rem }`

/** The longer side of an example's pictures. */
const EXAMPLE_SIDE = 256

/** The model's own size, enlarged by a whole factor, as OpenAI's API writes sizes. */
const exampleSize = (own: PictureSize): string => {
  const scale = Math.max(1, Math.floor(EXAMPLE_SIDE / Math.max(own.height, own.width)))
  const { height, width } = scaledBy(own, scale)
  return `${width}x${height}`
}

export const page = ({ model, options }: Service, { headers }: FastifyRequest): string => {
  const proxied = headers['x-forwarded-proto'] === 'https'
  const url = `${proxied ? 'https' : 'http'}://${headers.host}`
  const { kind } = model.config
  const shape = shapeOf(model.config)
  const { prompt } = exampleOf(model.config)
  const json = (fields: object) => JSON.stringify({ ...(prompt !== '' && { prompt }), ...fields })
  const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  const token = options.token === undefined ? '' : ' -H "authorization: Bearer $ONESTROKE_TOKEN"'
  const js = options.token === undefined ? '' : `, authorization: 'Bearer YOUR-TOKEN'`
  const code = (text: string) => `<pre><code>${escaped(text)}</code></pre>`
  const curl = (path: string, body: object, out: string) =>
    `curl -s ${url}${path}${token} -H 'content-type: application/json' -d ${shell(json(body))} > ${out}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(model.name)} – onestroke</title>
<style>${STYLE}</style>
<h1>onestroke</h1>
<p>This server paints with <b>${escaped(model.name)}</b>, a ${kind} of ${sizeText(shape)} pixels.
<a href="/openapi.json">/openapi.json</a> has every field and its bounds, <a href="/model">/model</a> what the model knows.</p>
${options.token === undefined ? '' : '<p>Requests need the token: set <code>ONESTROKE_TOKEN</code> where you paste these examples.</p>'}
<h2>With curl</h2>
<p>One picture, each pixel enlarged sixteen times:</p>
${code(curl('/generate', { seed: 1, scale: 16 }, 'picture.png'))}
<p>The same picture again, a little of it new:</p>
${code(`curl -s ${url}/v1/images/edits${token} -F image=@picture.png -F ${shell(`prompt=${prompt}`)} -F strength=${DEFAULT_STRENGTH} > edited.json`)}
<p>As OpenAI’s images API is asked:</p>
${code(curl('/v1/images/generations', { ...(prompt === '' && { prompt }), n: 2, size: exampleSize(shape) }, 'pictures.json'))}
<h2>With JavaScript</h2>
<p>In Node, or in the console of this page:</p>
${code(`const response = await fetch('${url}/generate', {
  method: 'POST',
  headers: { 'content-type': 'application/json'${js} },
  body: JSON.stringify(${json({ n: 4, format: 'json' })}),
})
const { images, warnings } = await response.json()
console.log(images.map(({ seed, b64 }) => [seed, 'data:image/png;base64,' + b64]), warnings)`)}
<h2>What there is</h2>
<table>
<tr><td><code>POST /generate</code><td>pictures, edits, and ways between pictures; PNG, WebP or JSON
<tr><td><code>GET /live</code><td>a socket for sliders
<tr><td><code>POST /v1/images/generations</code>, <code>edits</code>, <code>variations</code>; <code>GET /v1/models</code><td>for OpenAI’s clients: their base URL is <code>${escaped(url)}/v1</code>
<tr><td><code>POST /sdapi/v1/txt2img</code>, <code>img2img</code><td>for tools that speak to AUTOMATIC1111’s web UI
<tr><td><code>GET /model</code>, <code>/health</code>, <code>/ready</code>, <code>/metrics</code><td>what the model can do, and how the server is
</table>
<p>Errors are <code>{"error":{"type":"…","message":"…"}}</code>. Answers have <code>warnings</code>, in JSON or as the header
<code>x-warnings</code>, if the model does not know a word or does not read it.</p>
</html>
`
}
