import { basename } from 'node:path'
import { DEFAULT_STRENGTH, strengthOf } from '@onestroke/core/pipeline'
import { Command } from 'commander'
import { readImage, readMask } from '../data/index.js'
import { isSamePath, readBytes } from '../formats/index.js'
import { sha256Of } from '../model/index.js'
import { number } from './options.js'
import { openModel, type PaintFlags, paint, paintOptions, promptsFor } from './painting.js'
import { UsageError } from './usage-error.js'

interface EditFlags extends PaintFlags {
  mask?: string
  strength?: number
}

export const editCommand = (): Command =>
  paintOptions(
    new Command('edit')
      .description('paint a picture again, or a part of it, as one picture')
      .argument('<MODEL>', 'model folder')
      .argument('<PICTURE>', 'any picture file; it is cropped and scaled to the model’s size, over white')
      .option(
        '--mask <file>',
        'picture of what is painted: its holes, if it has any; else white is painted anew, and black stays',
      )
      .option(
        '--strength <share>',
        `how much is painted anew, from 0, nothing, to 1, all; by default ${DEFAULT_STRENGTH}, or 1 with --mask`,
        number(0, 1),
      ),
    4,
  )
    .addHelpText(
      'after',
      `
The picture is noised, as far as --strength says, and painted from there (SDEdit), by students in four
steps or more. The model needs no training for it. With the models in models/ 0.3 keeps colours and shapes,
at 0.35 the prompt wins, and from 0.4 on hardly anything of the picture is left.
  onestroke edit models/emoji-32-student cat.png --prompt "tiger face" --out tigers.png
  onestroke edit models/emoji-32-student sketch.jpg --prompt pizza --strength 0.35 -n 9 --out pizzas.png

With a mask, what is white in it is painted to go with the rest, which stays as it is. If anything in a mask is transparent,
its holes are painted instead, whatever their colour.
  onestroke edit models/emoji-32-student cat.png --mask eyes.png --prompt "cat face" --out eyes-anew.png`,
    )
    .action(async (path: string, picture: string, flags: EditFlags) => {
      const { out, mask, strength } = flags
      for (const [what, read] of [
        ['picture', picture],
        ['mask', mask],
      ] as const)
        if (read !== undefined && isSamePath(read, out))
          throw new UsageError(`--out ${out} is the ${what} itself, which would be replaced`, {
            remedy: 'choose another --out',
          })
      const opened = await openModel(path, flags)
      const { model } = opened
      const prompts = promptsFor(model, flags, [''])
      await paint(
        opened,
        flags,
        {
          prompts,
          image: await readImage(picture, model.shape),
          mask: mask === undefined ? undefined : await readMask(mask, model.shape),
          strength,
        },
        { picture, mask, strength },
        {
          ...(!flags.sigmas && { strength: strengthOf(flags) }),
          picture: await named(picture),
          mask: mask === undefined ? null : await named(mask),
        },
      )
    })

/** A picture's file, for the recipe. */
const named = async (path: string): Promise<{ name: string; sha256: string }> => ({
  name: basename(path),
  sha256: sha256Of(await readBytes(path, 'picture')),
})
