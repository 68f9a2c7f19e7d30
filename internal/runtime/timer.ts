/** The longest delay that a timer takes, in ms. */
export const MAX_TIMER: number = 2 ** 31 - 1;

/** A timer for a delay that may be none (`null`) or too long for a timer. */
export function set_timer(
  delay: number | null,
  ring: () => void,
): ReturnType<typeof setTimeout> | undefined {
  return delay === null || delay > MAX_TIMER ? undefined : setTimeout(ring, delay);
}
