/** Says that the picture that stands is not yet the one that was asked for. It appears so gently that fast models show none of it. */
export const Busy = ({ when }: { when: boolean }) =>
  when ? (
    <span class="busy">
      <span class="spinner" aria-hidden="true" />
      Painting…
    </span>
  ) : null
