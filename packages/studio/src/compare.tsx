/** Compare: teacher and student from the same noise, the one stroke by stroke, the other at once. */
import { SOLVERS, type SolverName } from '@onestroke/core/diffusion'
import { shapeOf, takesGuidance } from '@onestroke/core/pipeline'
import type { WebModel } from '@onestroke/core/web'
import { effect } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { ask, deviceName, seconds, useModel } from './ask.js'
import { Busy } from './busy.js'
import { Button, Squares } from './controls.js'
import { UseAsInput } from './hand-over.js'
import { latest } from './live.js'
import { offer, trouble } from './models.js'
import { Picture, proportions } from './picture.js'
import { Subject } from './prompt.js'
import { modelName, prompt } from './state.js'
import { Waiting } from './waiting.js'

interface Painted {
  /** The picture. Until this one has begun, the one before. */
  readonly image?: ImageData | undefined
  /** The picture after each stroke, as it would end; those that are not done yet are of the picture before. */
  readonly strokes: readonly ImageData[]
  /** Strokes of this picture. */
  readonly step: number
  readonly milliseconds: number
  readonly state: 'none' | 'busy' | 'done'
}
const nothing: Painted = { strokes: [], step: 0, milliseconds: 0, state: 'none' }

/** A picture that has been asked for: the one before stands until it has begun. */
const asked = ({ image, strokes }: Painted): Painted => ({ ...nothing, image, strokes, state: 'busy' })

export const Compare = () => {
  const entry = offer.value?.models.find(({ name }) => name === modelName.value)
  const [wantedStudent, wantedTeacher] = [useModel(entry?.name), useModel(entry?.teacher)]
  const [student, teacher] = [wantedStudent.model, wantedTeacher.model]
  const [slow, setSlow] = useState(nothing)
  const [fast, setFast] = useState(nothing)
  const [again, setAgain] = useState(0)
  // The pictures of other models tell nothing of these.
  useEffect(() => {
    setFast(nothing)
    setSlow(nothing)
  }, [student, teacher])
  useEffect(() => {
    if (!student || !teacher) return
    // What the student was distilled with is what its teacher is compared at.
    const guidance_scale = entry?.guidance_scale
    const guided =
      guidance_scale !== undefined && !takesGuidance(student.manifest) && takesGuidance(teacher.manifest)
    let controller = new AbortController()
    const paint = latest(async (options: ReturnType<typeof ask>) => {
      const { signal } = controller
      const { steps: _, to: __, ...same } = options
      try {
        const quick = await timed(student, { ...same, signal })
        setFast(quick)
        let step = 0
        for await (const preview of teacher.stream({
          ...same,
          ...(guided && { guidance_scale }),
          signal,
        })) {
          const image = preview.images[0]!
          const stroke = preview.last ? undefined : step++
          setSlow(({ strokes }) => ({
            image,
            strokes:
              stroke === undefined
                ? strokes
                : [...strokes.slice(0, stroke), image, ...strokes.slice(stroke + 1)],
            step,
            milliseconds: preview.milliseconds,
            state: preview.last ? 'done' : 'busy',
          }))
        }
      } catch (error) {
        if (signal.aborted) return
        trouble.value = (error as Error).message
        setFast(nothing)
        setSlow(nothing)
      }
    })
    const stop = effect(() => {
      const options = ask(student.manifest)
      // A newer wish ends the strokes of the one before.
      controller.abort()
      controller = new AbortController()
      setFast(asked)
      setSlow(asked)
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
  const { solver, num_inference_steps: steps } = teacher.manifest.sampling
  const shape = shapeOf(student.manifest)
  const factor =
    slow.state === 'done' && fast.milliseconds > 0 ? slow.milliseconds / fast.milliseconds : undefined
  return (
    <div class="compare" style={proportions(shape)}>
      <div class="stage">
        <div class="pair">
          <figure aria-busy={fast.state === 'busy'}>
            <div class="shown">
              <Picture
                image={fast.image}
                size={shape}
                alt={`Student: ${prompt.value || 'a picture'}, in one step`}
              />
              <Busy when={fast.state === 'busy'} />
            </div>
            <figcaption>
              <strong>Student</strong>
              <span>one step · {fast.state === 'done' ? seconds(fast.milliseconds / 1000) : '…'}</span>
              <UseAsInput image={fast.image} />
            </figcaption>
          </figure>
          <figure aria-busy={slow.state === 'busy'} class={slow.step > 0 ? 'begun' : ''}>
            <div class="shown">
              <Picture
                image={slow.image}
                size={shape}
                alt={`Teacher: ${prompt.value || 'a picture'}, after ${slow.step} of ${steps} steps`}
              />
              <Busy when={slow.state === 'busy'} />
            </div>
            <figcaption>
              <strong>Teacher</strong>
              <span>
                {slow.step} of {steps} steps of {SOLVERS[solver as SolverName].label} ·{' '}
                {slow.step > 0 ? seconds(slow.milliseconds / 1000) : '…'}
              </span>
              <UseAsInput image={slow.image} />
            </figcaption>
          </figure>
        </div>
        <p class="status" role="status">
          {factor !== undefined && (
            <>
              The student is <strong>{factor.toFixed(factor < 10 ? 1 : 0)} ×</strong> faster here ·{' '}
              {deviceName(student)}
            </>
          )}
        </p>
      </div>
      <section class="controls" aria-label="What to paint">
        <Subject manifest={student.manifest} />
        <Squares />
        <div class="row">
          <Button onClick={() => setAgain(again + 1)}>Paint again</Button>
        </div>
      </section>
      <ol class="film" aria-label="The teacher’s strokes">
        {slow.strokes.map((image, i) => (
          <li key={i} class={i < slow.step || slow.state === 'done' ? '' : 'before'}>
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
    found = { ...nothing, image: images[0]!, milliseconds, state: 'done' }
  return found
}
