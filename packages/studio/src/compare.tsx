/** Compare: teacher and student from the same noise, the one stroke by stroke, the other at once. */
import type { WebModel } from '@onestroke/core/web'
import { effect } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { ask, deviceName, isGuided, seconds, useModel } from './ask.js'
import { Button } from './controls.js'
import { UseAsInput } from './hand-over.js'
import { latest } from './live.js'
import { offer, trouble } from './models.js'
import { Picture } from './picture.js'
import { Subject } from './prompt.js'
import { modelName, prompt } from './state.js'
import { Waiting } from './waiting.js'

interface Painted {
  readonly image?: ImageData
  /** The picture after each stroke, as it would end. */
  readonly strokes: readonly ImageData[]
  readonly milliseconds: number
  readonly done: boolean
}
const nothing: Painted = { strokes: [], milliseconds: 0, done: false }

/** The teacher's steps: what it needs for its own quality, at a solver's second order. */
const TEACHER = { solver: 'heun', steps: 18 } as const

export const Compare = () => {
  const entry = offer.value?.models.find(({ name }) => name === modelName.value)
  const [wantedStudent, wantedTeacher] = [useModel(entry?.name), useModel(entry?.teacher)]
  const [student, teacher] = [wantedStudent.model, wantedTeacher.model]
  const [slow, setSlow] = useState(nothing)
  const [fast, setFast] = useState(nothing)
  const [again, setAgain] = useState(0)
  useEffect(() => {
    if (!student || !teacher) return
    // What the student was distilled with is what its teacher is compared at.
    const guidance_scale = entry?.guidance_scale
    const guided = guidance_scale !== undefined && !isGuided(student.manifest) && isGuided(teacher.manifest)
    let controller = new AbortController()
    const paint = latest(async (options: ReturnType<typeof ask>) => {
      const { signal } = controller
      const { steps: _, to: __, ...same } = options
      setSlow(nothing)
      try {
        const quick = await timed(student, { ...same, signal })
        setFast(quick)
        const strokes: ImageData[] = []
        for await (const preview of teacher.stream({
          ...same,
          ...TEACHER,
          ...(guided && { guidance_scale }),
          signal,
        })) {
          const image = preview.images[0]!
          if (!preview.last) strokes.push(image)
          setSlow({ image, strokes: [...strokes], milliseconds: preview.milliseconds, done: preview.last })
        }
      } catch (error) {
        if (!signal.aborted) trouble.value = (error as Error).message
      }
    })
    const stop = effect(() => {
      const options = ask(student.manifest)
      // A newer wish ends the strokes of the one before.
      controller.abort()
      controller = new AbortController()
      paint(options)
    })
    return () => {
      stop()
      controller.abort()
    }
  }, [student, teacher, again])
  if (entry && !entry.teacher)
    return (
      <p class="quiet">
        {entry.kind === 'teacher'
          ? 'This model is a teacher: choose a student to see both.'
          : 'There is no teacher beside this student. onestroke studio STUDENT --teacher TEACHER shows both.'}
      </p>
    )
  if (!student || !teacher) return <Waiting of={[wantedStudent, wantedTeacher]} />
  const factor = slow.done && fast.milliseconds > 0 ? slow.milliseconds / fast.milliseconds : undefined
  return (
    <div class="compare">
      <div>
        <div class="pair">
          <figure>
            <Picture image={fast.image} alt={`Student: ${prompt.value || 'a picture'}, in one step`} />
            <figcaption>
              <strong>Student</strong>
              <span>one step · {fast.image ? seconds(fast.milliseconds / 1000) : '…'}</span>
              <UseAsInput image={fast.image} />
            </figcaption>
          </figure>
          <figure>
            <Picture
              image={slow.image}
              alt={`Teacher: ${prompt.value || 'a picture'}, after ${slow.strokes.length} of ${TEACHER.steps} steps`}
            />
            <figcaption>
              <strong>Teacher</strong>
              <span>
                {slow.strokes.length} of {TEACHER.steps} steps of Heun · {seconds(slow.milliseconds / 1000)}
              </span>
              <UseAsInput image={slow.image} />
            </figcaption>
          </figure>
        </div>
        <p class="status" role="status">
          {factor ? (
            <>
              The student is <strong>{factor.toFixed(factor < 10 ? 1 : 0)} ×</strong> faster here ·{' '}
              {deviceName(student)}
            </>
          ) : (
            'The teacher is painting…'
          )}
        </p>
      </div>
      <section class="controls" aria-label="What to paint">
        <Subject vocabulary={student.manifest.vocabulary} />
        <div class="row">
          <Button onClick={() => setAgain(again + 1)}>Paint again</Button>
        </div>
      </section>
      <ol class="film" aria-label="The teacher’s strokes">
        {slow.strokes.map((image, i) => (
          <li key={i}>
            <Picture image={image} alt={`after step ${i + 1}`} />
            <span>{i + 1}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}

const timed = async (model: WebModel, options: ReturnType<typeof ask>): Promise<Painted> => {
  let found = nothing
  for await (const { images, milliseconds } of model.stream({ ...options, steps: 1 }))
    found = { image: images[0]!, strokes: [], milliseconds, done: true }
  return found
}
