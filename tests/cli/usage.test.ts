/** What the program says to wrong usage: one line, status 2, nothing done. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../packages/onestroke/src/cli/main.js'
import { fails, onestroke, scratch, succeeds, tiny, writePictures } from './testing.js'

const { folder } = await scratch()
const pictures = join(folder, 'pictures')
const model = join(folder, 'model')
const out = join(folder, 'out')
const png = join(folder, 'grid.png')

beforeAll(async () => {
  await writePictures(pictures, { count: 9 })
  await succeeds(['train', pictures, '--out', model, ...tiny(16)])
})

describe('help', () => {
  it('is there for every command, on standard output', async () => {
    const whole = await succeeds(['--help'])
    for (const command of Object.keys(COMMANDS)) {
      expect(whole.stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
      const { stdout, stderr } = await succeeds([command, '--help'])
      expect(stdout).toContain(`Usage: onestroke ${command}`)
      expect(stderr).toBe('')
    }
  })

  it('is shown, with status 2, where no command is given', async () => {
    const { status, stdout, stderr } = await onestroke([])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('Usage: onestroke')
  })

  it('tells the version', async () => {
    expect((await succeeds(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('wrong usage', () => {
  const cases: [what: string, args: string[], line: RegExp][] = [
    ['an unknown command', ['paint'], /^unknown command 'paint'/],
    ['a misspelt one', ['trian', pictures], /^unknown command 'trian' \(Did you mean train\?\)$/],
    [
      'an unknown option',
      ['sample', model, '--out', png, '--stepz', '2'],
      /^unknown option '--stepz' \(Did you mean --steps\?\)$/,
    ],
    ['one argument too many', ['info', model, 'other'], /^too many arguments/],
    [
      'an endless guidance',
      ['distill', model, pictures, '--out', out, '--guidance-scale', 'Infinity'],
      /argument 'Infinity' is invalid/,
    ],
    [
      'the teacher itself as --out',
      ['distill', model, pictures, '--out', model, '--force'],
      /is the teacher itself, which would be replaced/,
    ],
    ['no DATA', ['train', '--out', out], /^missing required argument 'DATA'/],
    ['no MODEL', ['sample', '--out', png], /^missing required argument 'MODEL'/],
    ['no --out', ['train', pictures], /^required option '--out <dir>' not specified/],
    ['no --data', ['evaluate', model], /^required option '--data <DATA>' not specified/],
    [
      'no steps',
      ['sample', model, '--out', png, '--steps', '0'],
      /'--steps <count>' argument '0' is invalid/,
    ],
    [
      'endless steps',
      ['sample', model, '--out', png, '--steps', '1e9'],
      /must be an integer from 1 to 10000/,
    ],
    ['half a picture', ['sample', model, '--out', png, '-n', '1.5'], /must be an integer from 1 to 10000/],
    [
      'a number that is none',
      ['sample', model, '--out', png, '--seed', ''],
      /'--seed <number>' argument '' is invalid/,
    ],
    [
      'a seed too large to be exact',
      ['sample', model, '--out', png, '--seed', '9007199254740993'],
      /is invalid/,
    ],
    [
      'a list with a hole',
      ['evaluate', model, '--data', pictures, '--steps', '1,,4'],
      /'--steps <list>' argument '1,,4' is invalid/,
    ],
    [
      'too few samples',
      ['evaluate', model, '--data', pictures, '--samples', '10'],
      /must be an integer from 64/,
    ],
    ['an unknown solver', ['sample', model, '--out', png, '--solver', 'magic'], /Allowed choices are/],
    [
      'two ways to say the steps',
      ['sample', model, '--out', png, '--sigmas', '40,2', '--steps', '4'],
      /^option '--sigmas <levels>' cannot be used with option '--steps <count>'$/,
    ],
    [
      'more prompts than pictures',
      ['sample', 'models/emoji-16-guided', '--out', png, '-n', '1', '--prompt', 'a', '--prompt', 'b'],
      /^2 prompts are more than 1 picture; choose -n 2 or more$/,
    ],
    [
      'how to measure, and nothing to measure with',
      ['export', model, '--out', out, '--samples', '500'],
      /^--samples is for measuring, which needs --data$/,
    ],
    [
      'how to read pictures, and none to read',
      ['export', model, '--out', out, '--part', 'left'],
      /^--part is for measuring, which needs --data$/,
    ],
    [
      'a page that is written, and watches trainings',
      ['studio', model, '--build', out, '--runs', folder],
      /^option '--build <dir>' cannot be used with option '--runs <folder>'$/,
    ],
    ['an empty token', ['serve', model, '--token', ''], /^the token has 0 characters/],
    [
      'an unknown preset',
      ['train', pictures, '--out', out, '--preset', 'huge'],
      /^unknown preset huge; there are tiny, /,
    ],
    [
      'a new network, and one to go on from',
      ['train', pictures, '--out', out, '--preset', 'tiny', '--init-from', model],
      /^--preset names a new network, and --init-from brings one; leave one of them out$/,
    ],
    [
      'a teacher that would begin as a student',
      ['train', join(folder, 'none'), '--out', out, '--init-from', 'models/emoji-16-guided'],
      /^models\/emoji-16-guided is a student, which no diffusion model can begin as; choose a --method/,
    ],
    [
      'a student that would begin as a network of another size',
      ['distill', model, pictures, '--out', out, '--student', 'small', '--init-from', model],
      /is a network of another size than the one that is to begin as it; choose its size/,
    ],
    [
      'what it begins with as --out',
      ['train', pictures, '--out', model, '--init-from', model, '--force'],
      /is what it would begin with, which would be replaced/,
    ],
    [
      'an unknown method',
      ['distill', model, pictures, '--out', out, '--method', 'magic'],
      /^unknown method magic; there are /,
    ],
    [
      'a method that needs a teacher, without one',
      ['train', pictures, '--out', out, '--method', 'cd'],
      /^the method cd needs a teacher; onestroke distill TEACHER DATA --method cd, or one of diffusion, /,
    ],
    [
      'a student to be made sharper, without a teacher',
      ['train', pictures, '--out', out, '--method', 'dmd'],
      /^the method dmd needs a teacher; onestroke distill TEACHER DATA --method dmd, or one of /,
    ],
    [
      'no step of the second network',
      ['distill', model, pictures, '--out', out, '--method', 'dmd', '--option', 'updates=0'],
      /^dmd's option updates must be a whole number from 1 to 1000, not "0"$/,
    ],
    [
      'a teacher’s method for a student',
      ['distill', model, pictures, '--out', out, '--method', 'diffusion'],
      /^diffusion makes teachers; distill makes students; use onestroke train$/,
    ],
    [
      'checks of a teacher',
      ['train', pictures, '--out', out, '--checks', '4'],
      /^--checks is for students; this trains a teacher; leave it out, or choose a --method that makes a student$/,
    ],
    [
      'an option that the method does not have',
      ['distill', model, pictures, '--out', out, '--option', 'N=40'],
      /^the method ecd has no option N; it has top, huber, solver, substeps, points$/,
    ],
    [
      'a method’s option without a value',
      ['distill', model, pictures, '--out', out, '--option', 'huber'],
      /must look like huber=0\.1/,
    ],
    [
      'a method’s option of the wrong kind',
      ['distill', model, pictures, '--out', out, '--option', 'huber=much'],
      /^ecd's option huber must be a number above 0, not "much"$/,
    ],
    [
      'a method’s number out of its bounds',
      ['distill', model, pictures, '--out', out, '--option', 'huber=-1'],
      /^ecd's option huber must be a number above 0, not "-1"$/,
    ],
    [
      'a list of a method’s numbers with one out of bounds',
      ['distill', model, pictures, '--out', out, '--method', 'ecd-grid', '--option', 'grids=4,0.5'],
      /^ecd-grid's option grids must be whole numbers from 1 to 1000000, separated by commas, not "4,0.5"$/,
    ],
    [
      'a solver that is none',
      ['distill', model, pictures, '--out', out, '--option', 'solver=magic'],
      /^ecd's option solver must be one of ddim, heun, dpmpp_2m, not "magic"$/,
    ],
    [
      'features that nothing measures by',
      ['distill', model, pictures, '--out', out, '--method', 'cd', '--features', 'x.onnx'],
      /^--features is for perceptual distances; cd measures by l2; add --option distance=perceptual/,
    ],
    [
      'a range of guidance that falls',
      ['distill', model, pictures, '--out', out, '--guidance-scale', '6-1'],
      /must be a number or a range like 1-6/,
    ],
    [
      'noise levels for a teacher',
      ['sample', model, '--out', png, '--sigmas', '20,1'],
      /^noise levels and gamma are for students/,
    ],
    [
      'LCM’s schedule for a teacher',
      ['sample', model, '--out', png, '--schedule', 'lcm'],
      /^the schedule lcm is for students; a diffusion model has karras, ddim and linear$/,
    ],
    ['a gamma above 1', ['sample', model, '--out', png, '--gamma', '1.5'], /must be a number from 0 to 1/],
    [
      'an unknown size of student',
      ['distill', model, pictures, '--out', out, '--student', 'huge'],
      /^unknown size huge; there are half, tiny, small/,
    ],
    [
      'an unknown optimizer',
      ['train', pictures, '--out', out, '--optimizer', 'sgd'],
      /^unknown optimizer sgd; there are adam, adamw, radam/,
    ],
    [
      'two lengths',
      ['train', pictures, '--out', out, '--images', '8', '--minutes', '1'],
      /^--images and --minutes exclude each other/,
    ],
    [
      'no pictures at a time',
      ['train', pictures, '--out', out, '--batch', '0'],
      /must be an integer from 1 up/,
    ],
    [
      'a rate below nothing',
      ['train', pictures, '--out', out, '--learning-rate', '-1'],
      /must be a positive number/,
    ],
    [
      'no noise',
      ['train', pictures, '--out', out, ...tiny(16), '--sigma-max', '0.001'],
      /^--sigma-max must be above/,
    ],
    [
      'a size no network has',
      ['train', pictures, '--out', out, ...tiny(16), '--resolution', '50x25'],
      /^no network takes pictures of 50×25 pixels: multiples of 8 will do for both sides; --resolution 48x24$/,
    ],
    [
      'a category of a folder',
      ['train', pictures, '--out', out, '--category', 'Food'],
      /^only iconify:NAME has categories/,
    ],
    [
      'a prompt where there are none',
      ['sample', model, '--out', png, '--prompt', 'a cat'],
      /without prompts or classes; leave out --prompt$/,
    ],
    [
      'a way to a prompt where there are none',
      ['sample', model, '--out', png, '--to-prompt', 'a cat'],
      /without prompts or classes; leave out --to-prompt$/,
    ],
    [
      'guidance where there are no prompts',
      ['sample', model, '--out', png, '--guidance-scale', '2'],
      /leave out --guidance-scale$/,
    ],
    [
      'a negative prompt without guidance',
      ['sample', model, '--out', png, '--negative-prompt', 'x'],
      /^--negative-prompt does nothing/,
    ],
    [
      'a solver of the other kind',
      ['sample', model, '--out', png, '--solver', 'consistency'],
      /this model is a diffusion model/,
    ],
    [
      'a picture that nobody could open',
      ['sample', model, '--out', png, '-n', '10000', '--scale', '64'],
      /too large for one file; choose a smaller/,
    ],
  ]

  it.concurrent.each(cases)('%s', async (_, args, line) => {
    expect(await fails(args, 2)).toMatch(line)
    expect((await readdir(folder)).sort()).toEqual(['model', 'pictures'])
  })
})

describe('--verbose', () => {
  it('shows where something failed, before the command or after it', async () => {
    for (const args of [
      ['--verbose', 'info', join(folder, 'nothing')],
      ['info', join(folder, 'nothing'), '--verbose'],
    ]) {
      const { status, stdout, stderr } = await onestroke(args)
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(/^error: there is no .*\n/)
      expect(stderr).toMatch(/\n {4}at .*load\.js/)
    }
  })
})
