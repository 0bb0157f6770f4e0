import { UserError } from '@onestroke/core/formats'
import { Command } from 'commander'
import { readImage, readMask } from '../data/index.js'
import { isSamePath } from '../formats/index.js'
import { number } from './options.js'
import { openModel, type PaintFlags, paint, paintOptions, promptsFor } from './painting.js'

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
        'how much is painted anew, from 0, nothing, to 1, all; by default 0.5, or 1 with --mask',
        number(0, 1),
      ),
    4,
  )
    .addHelpText(
      'after',
      `
The picture is noised, as far as --strength says, and painted from there (SDEdit), by students in four
steps or more. The model needs no training for it.
  onestroke edit models/emoji-32-student cat.png --prompt "tiger face" --out tigers.png
  onestroke edit models/emoji-32-student sketch.jpg --prompt pizza --strength 0.4 -n 9 --out pizzas.png

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
          throw new UserError(`--out ${out} is the ${what} itself, which would be replaced`, {
            remedy: 'choose another --out',
            exitCode: 2,
          })
      const opened = await openModel(path, flags)
      const { model } = opened
      const { resolution, channels } = model.config.network
      const prompts = promptsFor(model, flags, [''])
      await paint(
        opened,
        flags,
        {
          prompts,
          image: await readImage(picture, { resolution, channels: channels as 1 | 3 }),
          ...(mask !== undefined && { mask: await readMask(mask, { resolution }) }),
          ...(strength !== undefined && { strength }),
        },
        { picture, ...(mask !== undefined && { mask }), ...(strength !== undefined && { strength }) },
      )
    })
