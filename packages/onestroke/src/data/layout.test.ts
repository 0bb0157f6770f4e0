/** Folders as people have them: splits, strays, a wrapper around everything; and which labels are used. */
import { describe, expect, it } from 'vitest'
import { loadDataset } from './load.js'
import { complaint, folderOf, pixelAt } from './testing.js'
import { blue, pictures, read } from './testing-folders.js'

describe('classes', () => {
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']

  it('are one where folders differ only in how an accent is written', async () => {
    const { classes, labels, test, warnings } = await read({
      ...pictures(`train/${decomposed}/0.png`, `train/${composed}/1.png`, 'train/tea/2.png'),
      ...pictures(`test/${decomposed}/3.png`, 'test/tea/4.png'),
    })
    expect({ classes, labels, warnings }).toEqual({
      classes: [composed, 'tea'],
      labels: [0, 0, 1],
      warnings: [],
    })
    expect([...test!.labels!]).toEqual([0, 1])
    const single = await read(pictures(`${decomposed}/0.png`, `${composed}/1.png`))
    expect(single.classes).toBeUndefined()
    // A folder around everything is found by its own name.
    const wrapped = await read(pictures(`${decomposed}/a/0.png`, `${decomposed}/b/1.png`))
    expect(wrapped).toMatchObject({ classes: ['a', 'b'], labels: [0, 1] })
  })

  it('are one where labels differ only in how an accent is written', async () => {
    const { classes, labels } = await read({
      ...pictures('0.png', '1.png', '2.png'),
      '0.json': JSON.stringify({ label: decomposed }),
      '1.json': JSON.stringify({ label: composed }),
      '2.json': JSON.stringify({ label: 'tea' }),
    })
    expect({ classes, labels }).toEqual({ classes: [composed, 'tea'], labels: [0, 0, 1] })
  })
})

describe('splits', () => {
  it('are never classes', async () => {
    const flat = await read({ ...pictures('train/0.png', 'train/1.png'), 'test/0.png': blue })
    expect(flat).toMatchObject({
      count: 2,
      classes: undefined,
      warnings: [],
      summary: '2 pictures, no classes or captions found, 1 more in a test split',
    })
    expect(flat.test).toMatchObject({ count: 1, name: expect.stringMatching(/ test$/) })
    expect(pixelAt(flat.test!, 0)).toEqual([0, 0, 255])
  })

  it.each([
    ['training', 'testing'],
    ['train', 'validation'],
    ['train', 'val'],
    ['train', 'dev'],
    ['Training', 'Dev'],
  ])('may be called %s and %s', async (train, test) => {
    const files = [`${train}/a/0.png`, `${train}/b/1.png`, `${test}/a/2.png`, `${test}/b/3.png`]
    expect(await read(pictures(...files))).toMatchObject({
      count: 2,
      classes: ['a', 'b'],
      test: { count: 2, classes: ['a', 'b'], name: expect.stringMatching(` ${test}$`) },
      warnings: [],
    })
  })

  it('may lie above the folders of classes, and below a wrapper', async () => {
    const files = [
      'data/Train/cat/0.png',
      'data/Train/dog/0.png',
      'data/Train/dog/1.png',
      'data/valid/dog/0.png',
      'data/valid/dog/1.png',
    ]
    const { classes, labels, test, warnings } = await read(pictures(...files))
    expect({ classes, labels, warnings }).toEqual({
      classes: ['cat', 'dog'],
      labels: [0, 1, 1],
      warnings: [],
    })
    // One folder is no class; the pixels are what tests need.
    expect(test).toMatchObject({ count: 2 })
  })

  it('of the same classes have the labels of the training set', async () => {
    const { test } = await read(
      pictures('train/a/0.png', 'train/b/0.png', 'train/c/0.png', 'test/b/0.png', 'test/c/0.png'),
    )
    expect(test).toMatchObject({ classes: ['a', 'b', 'c'], labels: Int32Array.of(1, 2) })
  })

  it('with classes that cannot be learned are named', async () => {
    const { classes, test, warnings } = await read(
      pictures('train/a/0.png', 'train/b/0.png', 'test/a/0.png', 'test/z/0.png'),
    )
    expect(classes).toEqual(['a', 'b'])
    expect(test).not.toHaveProperty('classes')
    expect(warnings).toEqual(['the test split has classes without pictures to learn from: z'])
  })

  it('for tests are not learned from beside pictures or classes; a class may be called train', async () => {
    expect(await read(pictures('0.png', '1.png', 'test/0.png'))).toMatchObject({
      count: 2,
      test: { count: 1 },
    })
    expect(await read(pictures('cat/0.png', 'dog/0.png', 'val/cat/0.png'))).toMatchObject({
      classes: ['cat', 'dog'],
      test: { count: 1 },
    })
    expect(await read(pictures('bus/0.png', 'train/0.png'))).toMatchObject({
      classes: ['bus', 'train'],
      warnings: ['the folder train is taken for a class, because bus lies beside it'],
    })
  })

  it('are said to be none where a folder lies alone beside pictures', async () => {
    const train = pictures('train/0.png', 'train/1.png', 'x.png')
    expect(await read(train)).toMatchObject({
      count: 3,
      classes: undefined,
      warnings: [
        'train/ is no split, because no test/ or val/ lies beside it: its 2 pictures and the 1 beside it are learned from together',
      ],
    })
    expect((await read({ ...train, 'x.txt': 'an owl' })).warnings).toHaveLength(1)
    expect(await read(pictures('set/cats/0.png', 'set/x.png', 'set/y.png'))).toMatchObject({
      count: 3,
      classes: undefined,
      warnings: [
        'the folder set/cats/ is not taken for a class, because it is the only one: its 1 picture and the 2 beside it are learned from together',
      ],
    })
    expect((await read(pictures('train/0.png'))).warnings).toEqual([])
  })

  it('lie inside the folders of classes as well', async () => {
    const found = await read({
      ...pictures(
        'set/cats/train/0.png',
        'set/cats/train/1.png',
        'set/dogs/train/0.png',
        'set/cats/Test/0.png',
        'set/dogs/test/0.png',
      ),
      'set/dogs/val/0.png': blue,
    })
    expect(found).toMatchObject({
      classes: ['cats', 'dogs'],
      labels: [0, 0, 1],
      summary: '3 pictures, 2 classes (from folders), 2 more in a test split',
      test: { count: 2, labels: Int32Array.of(0, 1), name: expect.stringMatching(/ set\/test$/) },
      warnings: ['1 picture in set/*/val/ is not used: train/ is learned from, and one split is for tests'],
    })
    // A single folder of that name inside one class of many says nothing of a split.
    const many = pictures('a/0.png', 'b/0.png', 'c/0.png', 'c/test/1.png')
    expect(await read(many)).toMatchObject({ count: 4, classes: ['a', 'b', 'c'], test: undefined })
  })

  it('that are not used are counted', async () => {
    const { count, test, warnings } = await read(
      pictures('train/0.png', 'val/0.png', 'val/1.png', 'test/0.png', 'extra/0.png', 'x.png'),
    )
    expect({ count, tests: test!.count }).toEqual({ count: 1, tests: 1 })
    const why = 'train/ is learned from, and one split is for tests'
    expect(warnings).toEqual([
      `2 pictures in val/ are not used: ${why}`,
      `1 picture in extra/ is not used: ${why}`,
      `1 picture in the folder of train/ is not used: ${why}`,
    ])
  })

  it('without one to learn from are refused', async () => {
    const directory = await folderOf(pictures('test/0.png', 'val/0.png'))
    const error = await complaint(loadDataset(directory))
    expect(error.message).toBe(
      `${directory} holds the splits test and val, but nothing to learn from beside them`,
    )
    expect(error.remedy).toBe('name the folder to learn from, or call it train')
  })
})

describe('classes', () => {
  it('lie in a single folder around everything', async () => {
    const { classes, summary } = await read(pictures('data/all/cat/0.png', 'data/all/dog/0.png'))
    expect(classes).toEqual(['cat', 'dog'])
    expect(summary).toBe('2 pictures, 2 classes (from folders)')
  })

  it('stay if a picture lies beside them, which is left out and named', async () => {
    const { count, classes, skipped } = await read(
      pictures('cat/0.png', 'cat/1.png', 'dog/0.png', 'preview.png'),
    )
    expect({ count, classes }).toEqual({ count: 3, classes: ['cat', 'dog'] })
    expect(skipped).toEqual([{ file: 'preview.png', reason: 'it lies beside the folders of the classes' }])
  })

  it('stay if a picture has a caption; half of them must have one', async () => {
    const four = pictures('cat/0.png', 'cat/1.png', 'dog/0.png', 'dog/1.png')
    const stray = await read({ ...four, 'dog/1.txt': 'one stray note' })
    expect(stray).toMatchObject({
      names: undefined,
      labels: [0, 0, 1, 1],
      warnings: [
        '1 of 4 pictures has a caption (dog/1.png): the classes (from folders) are used, captions are not',
      ],
    })
    const half = await read({ ...four, 'dog/1.txt': 'x', 'cat/1.txt': 'y' })
    expect(half).toMatchObject({
      names: ['', 'y', '', 'x'],
      labels: [0, 0, 1, 1],
      summary: '4 pictures, captions (from .txt files; 2 pictures have none), 2 classes (from folders)',
      warnings: [
        'there are both captions (from .txt files) and classes (from folders): train learns the captions, not the classes',
      ],
    })
  })

  it('come from labels of metadata, or of JSON beside the pictures', async () => {
    const jsonl = await read({
      ...pictures('0.png', '1.png', '2.png'),
      'metadata.jsonl':
        '{"file_name":"0.png","label":"dog"}\n{"file_name":"1.png","label":"cat"}\n{"file_name":"2.png","label":"dog"}',
    })
    expect(jsonl).toMatchObject({
      classes: ['cat', 'dog'],
      labels: [1, 0, 1],
      summary: '3 pictures, 2 classes (from metadata.jsonl)',
    })
    const beside = await read({
      ...pictures('0.png', '1.png', '2.png'),
      '0.json': '{"label":1}',
      '1.json': '{"label":3}',
    })
    expect(beside).toMatchObject({
      count: 2,
      classes: ['1', '2', '3'],
      labels: [0, 2],
      skipped: [{ file: '2.png', reason: 'no label in .json files, though other pictures have one' }],
    })
  })

  it('are not a few labels, nor numbers that are no class', async () => {
    const few = await read({ ...pictures('0.png', '1.png'), '0.json': '{"label":1}' })
    expect(few).toMatchObject({
      count: 2,
      classes: undefined,
      warnings: ['1 of 2 pictures has a label (from .json files), which are not used'],
    })
    const scores = await read({
      ...pictures('0.png'),
      'metadata.jsonl': '{"file_name":"0.png","text":"a cat","label":0.5}',
    })
    expect(scores).toMatchObject({ names: ['a cat'], classes: undefined })
    expect(scores.warnings).toEqual([
      expect.stringMatching(
        /^1 label is neither text nor an integer from 0 to 65535, and not used: .*line 1$/,
      ),
    ])
  })
})

describe('what is not used', () => {
  it('is named: conversations, other JSON, other files', async () => {
    const { names, warnings, skipped } = await read({
      ...pictures('0.png', '1.png'),
      'metadata.jsonl': '{"id":1,"file_name":"0.png","conversations":[]}\n',
      '1.json': '{"shapes":[]}',
      'other.txt': 'of no picture',
      'boxes.xml': '<x/>',
      'c.ppm': 'P6',
      noending: 'x',
      'README.md': 'x',
      LICENSE: 'x',
    })
    expect(names).toBeUndefined()
    expect(warnings).toEqual([
      'metadata.jsonl holds no caption or label: none of its lines has text, caption, prompt, description or label',
      '1 .json file holds no caption or label that is understood (text, caption, prompt, description, label): 1.json',
      '2 files are not used: boxes.xml, other.txt',
    ])
    expect(skipped).toEqual([
      { file: 'c.ppm', reason: 'ppm is not read: convert it to PNG or JPEG' },
      { file: 'noending', reason: 'its name has no ending, as .png or .jpg' },
    ])
  })

  it('is a folder of archives, which are read otherwise', async () => {
    const directory = await folderOf({ '0.tar': 'x' })
    const error = await complaint(loadDataset(directory))
    expect([error.message, error.remedy]).toEqual([
      `no pictures in ${directory}, but archives`,
      `tar:${directory} reads them`,
    ])
  })
})
