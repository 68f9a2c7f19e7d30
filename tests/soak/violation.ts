/** What must hold does not. */
export class Violation extends Error {
  override name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, what: string, options?: ErrorOptions) {
    super(`${invariant}: ${what}`, options);
    this.invariant = invariant;
  }
}

/** A client saw an end before its time: the fire may be the cause. */
export class Lost extends Error {
  override name = "Lost";
}
