/** HTML that is escaped by construction: whatever is put into a template is text, unless it is `Html` itself. */
export class Html {
  constructor(readonly text: string) {}

  toString() {
    return this.text
  }
}

export type Child = Html | string | number | null | undefined | false | readonly Child[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => entities[c]!)

const write = (child: Child): string => {
  if (child instanceof Html) return child.text
  if (child === null || child === undefined || child === false) return ''
  if (typeof child === 'object') return child.map(write).join('')
  return escapeHtml(String(child))
}

/**
 * @example
 * html`<p title="${'"'}">${'<b>'}</p>`.text // <p title="&quot;">&lt;b&gt;</p>
 */
export const html = (strings: TemplateStringsArray, ...children: Child[]): Html =>
  new Html(strings.reduce((text, part, i) => text + write(children[i - 1]) + part))

/** Trusted text, put in as it stands. */
export const raw = (text: string) => new Html(text)

/** A value for a `<script type="application/json">`: no `<` in it, so nothing can end the script. */
export const jsonBlock = (value: unknown) => raw(JSON.stringify(value).replaceAll('<', '\\u003c'))
