/** How long, in ms, the next job is waited for: as long as the pool takes that is called from its sleep. */
const WAIT = 0.1;
/** A pause between two looks, in ms, in which this thread had no core: others want it. */
const LOST = 0.02;
/** After how many jobs it is tried again when it was for nothing: at first, and at the most. */
const MIN_PAUSE = 4;
const MAX_PAUSE = 1024;

/**
 * Keeps a worker awake for a moment when a job is done, for the next one may be about to come: to be called from its
 * sleep takes longer than a short job. It does so only while that pays: not where the next one does not come, nor
 * where others want the core.
 */
export class ShortWait {
  /** For how many jobs it is not done. */
  #left = 0;
  #pause = MIN_PAUSE;

  /** Waits until there is something to do, or it is time to sleep. */
  wait(is_there: () => boolean): void {
    if (this.#left > 0) return void this.#left--;
    // It came while this thread had no core, as where there is one only: to wait would keep the pool from it.
    if (is_there()) return;
    if (comes_soon(is_there)) {
      this.#pause = MIN_PAUSE;
    } else {
      this.#left = this.#pause;
      this.#pause = Math.min(2 * this.#pause, MAX_PAUSE);
    }
  }
}

/** Waits; whether something came, and this thread had its core all the time. */
function comes_soon(is_there: () => boolean): boolean {
  let last = performance.now();
  const end = last + WAIT;
  while (last < end) {
    const now = performance.now();
    if (now - last > LOST) return false;
    if (is_there()) return true;
    last = now;
  }
  return false;
}
