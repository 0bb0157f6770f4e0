/** A sign over the picture while another one is painted. It fades in over 150 ms, so that fast models hardly show it. */
export const Busy = ({ when }: { when: boolean }) =>
  when ? (
    <span class="busy" role="status">
      <span class="spinner" aria-hidden="true" />
      Painting…
    </span>
  ) : null
