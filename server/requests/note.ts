/** What is constructed with it is the object that it is given, so a subclass puts its private fields there. */
class Given {
  constructor(object: object) {
    return object;
  }
}

/** Those that take no field. */
const others = new Map<unknown, unknown>();

/**
 * Something that is noted in an object, where only this module sees it. A `Map` would cost more than all else
 * a request does, and to follow the entries of a `WeakMap` costs the garbage collector even more.
 */
class Note extends Given {
  #note: unknown;

  static set(object: object, note: unknown): void {
    if (#note in object) object.#note = note;
    else if (Object.isExtensible(object)) new Note(object).#note = note;
    else if (note === undefined) others.delete(object);
    else others.set(object, note);
  }

  static get(object: object): unknown {
    return #note in object ? object.#note : others.get(object);
  }
}

/** Notes something in an object, in place of what was; `undefined` for nothing. */
export function set_note(object: object, note: unknown): void {
  Note.set(object, note);
}

/** What is noted in an object; nothing is in what is none. */
export function note_of(object: unknown): unknown {
  return typeof object === "object" && object !== null ? Note.get(object) : undefined;
}
