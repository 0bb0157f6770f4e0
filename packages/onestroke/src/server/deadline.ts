/** How long a request may take. */

/**
 * A signal that is aborted with a TimeoutError after so many seconds, or before. (Node 20 may collect what `AbortSignal.any` and
 * `AbortSignal.timeout` make as garbage before its time has come.)
 */
export const deadline = (seconds: number) => {
  const controller = new AbortController()
  const late = () => controller.abort(new DOMException('the request took too long', 'TimeoutError'))
  const timer = setTimeout(late, seconds * 1000).unref()
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    /** It was in time. */
    met: () => clearTimeout(timer),
  }
}
