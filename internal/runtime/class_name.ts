/** The name of an object's class; of one without a name, as mix-ins make them, that of the class which it extends. */
export function class_name_of(object: object): string {
  let Class = object.constructor;
  while (Class?.name === "") Class = Object.getPrototypeOf(Class);
  return Class?.name ?? "";
}
