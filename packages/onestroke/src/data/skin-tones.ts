const TONES = ['light', 'medium-light', 'medium', 'medium-dark', 'dark']
const TONE = '(?:medium-light|medium-dark|light|medium|dark)'
/** How noto and twemoji write a tone: once or twice, within the name or at its end. */
const SPELLED_OUT = new RegExp(`[a-z0-9]-${TONE}-skin-tone(?:-|$)`)
const SWATCH = new RegExp(`^${TONE}-skin-tone$`)
/** How fluent-emoji writes it. */
const SUFFIX = new RegExp(`-${TONE}$`)

/**
 * Whether an icon is another one in a skin tone: `waving-hand-dark`, `handshake-light-skin-tone-dark-skin-tone`.
 * Where the name ends in no more than a tone, there must be an icon without it that comes in all five tones:
 * `police-car-light` is no police car with light skin.
 */
export const isSkinToneVariant = (name: string, all: ReadonlySet<string>): boolean => {
  if (SPELLED_OUT.test(name)) return !SWATCH.test(name)
  for (let base = name; SUFFIX.test(base); ) {
    base = base.replace(SUFFIX, '')
    if (all.has(base) && TONES.every((tone) => all.has(`${base}-${tone}`))) return true
  }
  return false
}
