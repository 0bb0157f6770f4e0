/** Where captions are found, and which of them are used. */
import { describe, expect, it } from 'vitest'
import { loadDataset } from './load.js'
import { complaint, folderOf } from './testing.js'
import { pictures, read } from './testing-folders.js'

describe('captions', () => {
  const one = pictures('0.png')

  it.each(['text', 'caption', 'prompt', 'description'])('are called %s', async (key) => {
    expect(await read({ ...one, 'metadata.jsonl': `{"file_name":"0.png","${key}":"a cat"}` })).toMatchObject({
      names: ['a cat'],
      warnings: [],
      summary: '1 picture, captions (from metadata.jsonl)',
    })
    expect((await read({ ...one, '0.json': `{"width":4,"${key}":"a cat"}` })).names).toEqual(['a cat'])
  })

  it('lie in .caption, .json or NAME.png.txt as well', async () => {
    const files = pictures('0.png', '1.png', '2.png', '3.PNG')
    const { names, summary } = await read({
      ...files,
      '0.caption': 'zero',
      '1.json': '\ufeff{"caption":"one"}',
      '2.png.txt': 'two',
      '3.Txt': 'three',
    })
    expect(names).toEqual(['zero', 'one', 'two', 'three'])
    expect(summary).toBe('4 pictures, captions (from .txt files and .caption files and .json files)')
  })

  it('come from metadata.csv, with quotes, and other separators', async () => {
    const files = pictures('0.png', '1.png', '2.png')
    const csv =
      'file_name,text,label\r\n0.png,"a cat, ""asleep""\nin the sun",0\r\n1.png,a dog,2\r\n\r\n2.png,,1\r\n'
    const { names, classes, labels, summary } = await read({ ...files, 'metadata.csv': `\ufeff${csv}` })
    expect({ names, classes, labels }).toEqual({
      names: ['a cat, "asleep" in the sun', 'a dog', ''],
      classes: ['0', '1', '2'],
      labels: [0, 2, 1],
    })
    expect(summary).toBe(
      '3 pictures, captions (from metadata.csv; 1 picture has none), 3 classes (from metadata.csv)',
    )
    expect((await read({ ...one, 'metadata.csv': 'file_name;text\n0.png;a cat, black\n' })).names).toEqual([
      'a cat, black',
    ])
    // Whatever the case of the columns' names, and the space around them.
    const shouted = 'File_Name, Text,LABEL\r\n0.png,A Cat,3\r\n1.png,A Dog,4\r\n'
    expect(await read({ ...pictures('0.png', '1.png'), 'metadata.csv': shouted })).toMatchObject({
      names: ['A Cat', 'A Dog'],
      classes: ['1', '2', '3', '4'],
      labels: [2, 3],
    })
  })

  it.each([
    ['file_name,text\n0.png,a cat, black\n', /metadata\.csv: Invalid Record Length: .*on line 2/],
    [
      'name,text\n0.png,a cat\n',
      /metadata\.csv, line 1: expected the columns file_name and text, found name,text$/,
    ],
  ])('of a CSV that is malformed name its line', async (csv, message) => {
    expect((await complaint(loadDataset(await folderOf({ ...one, 'metadata.csv': csv })))).message).toMatch(
      message,
    )
  })

  it('are found whatever the slashes and the case of letters', async () => {
    const { names, warnings } = await read({
      ...pictures('sub/0.png', 'Photo.JPG', 'b.png', 'train/c.png', 'train/d.png'),
      'metadata.jsonl': [
        '{"file_name":"sub\\\\0.png","text":"zero"}',
        '{"file_name":"photo.jpg","text":"photo"}',
        '{"file_name":"./b.png","text":null}',
      ].join('\n'),
      // Names that count from the top.
      'train/metadata.jsonl': '{"file_name":"train/c.png","text":"c"}\n{"file_name":"d.png","text":"d"}',
    })
    expect(warnings).toEqual([])
    expect(names).toEqual(['photo', '', 'zero', 'c', 'd'])
  })

  it('compete in a fixed order, and that is said', async () => {
    const { names, warnings } = await read({
      ...pictures('0.png', '1.png', '2.png'),
      ...Object.fromEntries(
        ['0', '1', '2'].flatMap((name) => [
          [`${name}.txt`, `txt ${name}`],
          [`${name}.caption`, `caption ${name}`],
          [`${name}.json`, `{"caption":"json ${name}"}`],
        ]),
      ),
      'metadata.jsonl': '{"file_name":"0.png","text":"metadata"}',
    })
    expect(names).toEqual(['metadata', 'txt 1', 'txt 2'])
    expect(warnings).toEqual([
      '3 pictures have several captions, of which metadata comes first, then .txt, .caption and .json: 0.png, 1.png, 2.png',
    ])
  })

  it('are cut if they are very long, and files that are too large are named', async () => {
    const { names, warnings } = await read({
      ...pictures('0.png', '1.png'),
      '0.txt': 'a'.repeat(5000),
      '1.txt': 'b'.repeat(2 ** 20 + 1),
    })
    expect(names).toEqual(['a'.repeat(4096), ''])
    expect(warnings).toEqual([
      '1 caption is cut after 4,096 characters: 0.txt',
      '1 file is too large for a caption (more than 1 MiB), and not used: 1.txt',
    ])
  })
})
