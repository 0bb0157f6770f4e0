/** Choosing a method and its options on the command line. */
import { METHODS } from '@onestroke/core/consistency'
import { diffusion, type Objective } from '@onestroke/core/diffusion'
import { InvalidArgumentError } from 'commander'
import { type GuidanceScale, objectiveNamed } from '../training/index.js'
import { number } from './options.js'
import { UsageError } from './usage-error.js'

/** The methods of `train`: those that need no teacher. `distill` takes every method. */
export const withoutTeacher: readonly Objective[] = [
  diffusion as unknown as Objective,
  ...Object.values(METHODS).filter(({ teacher }) => teacher !== true),
]
export const withTeacher: readonly Objective[] = Object.values(METHODS)

/** A part of `--help`: each method's name, a line about it, and its options with their defaults and choices. */
export const methodsHelp = (methods: readonly Objective[]): string =>
  methods
    .map(({ name, about, rules, learning_rate, batch }) => {
      const list = Object.entries(rules).map(([key, { default: usual, choices = [] }]) =>
        [`${key}=${String(usual)}`, ...choices.filter((word) => word !== String(usual))].join('|'),
      )
      const rate = learning_rate ? `; --learning-rate ${learning_rate}` : ''
      const pictures = batch ? `; --batch ${batch}` : ''
      return `  ${name.padEnd(9)} ${about}\n            ${list.join(' ')}${rate}${pictures}`
    })
    .join('\n')

/** The method of this name. @throws UserError that lists `methods` if it is not among them. */
export const methodNamed =
  (methods: readonly Objective[]) =>
  (name: string): string => {
    const method = objectiveNamed(name)
    if (!methods.includes(method))
      throw new UsageError(
        method.kind === 'teacher'
          ? `${name} makes teachers; distill makes students`
          : `the method ${name} needs a teacher`,
        {
          remedy:
            method.kind === 'teacher'
              ? 'use onestroke train'
              : `onestroke distill TEACHER DATA --method ${name}, or one of ${methods.map(({ name }) => name).join(', ')}`,
        },
      )
    return name
  }

/** Gathers `--option name=value`. */
export const collectOptions = (text: string, all: Record<string, string> = {}): Record<string, string> => {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('must look like huber=0.1.')
  return { ...all, [name]: value }
}

/** A method with some of its options changed. @throws UserError if it has no such option, or none of that kind. */
export const withOptions = (method: Objective, given: Readonly<Record<string, string>>): Objective => {
  const options: Record<string, unknown> = { ...method.options }
  for (const [name, text] of Object.entries(given)) {
    if (!Object.hasOwn(options, name))
      throw new UsageError(
        `the method ${method.name} has no option ${name}; it has ${Object.keys(options).join(', ')}`,
      )
    const rule = method.rules[name]!
    const value = rule.read(text)
    if (!rule.allows(value))
      throw new UsageError(`${method.name}'s option ${name} must be ${rule.expected}, not "${text}"`)
    options[name] = value
  }
  return { ...method, options }
}

/** A guidance scale, or a range like 1-6, from which the student learns to take any as an input. */
export const guidanceScale = (text: string): GuidanceScale => {
  const [, least, most] = /^([\d.]+)-([\d.]+)$/.exec(text) ?? []
  if (least === undefined || most === undefined) return number(0)(text)
  const range: GuidanceScale = [number(1)(least), number(1)(most)]
  if (range[0] >= range[1]) throw new InvalidArgumentError('must be a number or a range like 1-6.')
  return range
}
