// Types for @std/cli/parse-args, without dotted names and `boolean: true`.

type OneOrMore<Name> = Name | readonly Name[];
type NoDot<Name> = Name extends `${string}.${string}` ? never : Name;
type OrFalse<Name, Negatable, Value> = Name extends Negatable ? Value | false
  : Value;

/** The named flags, before defaults and aliases. */
type Flags<Bool, Str, Many, Neg> =
  & { [K in NoDot<Exclude<Bool, Many>> & string]: boolean }
  & {
    [K in NoDot<Exclude<Str, Many>> & string]?: OrFalse<K, Neg, string>;
  }
  & {
    [K in NoDot<Many> & string]: OrFalse<
      K,
      Neg,
      Array<K extends Str ? string : K extends Bool ? boolean : unknown>
    >;
  };

/** A flag with a default is always there; other defaults stay unknown. */
type WithDefaults<F, Def> =
  & Omit<F, keyof Def>
  & { [K in keyof Def & keyof F]: Def[K] | NonNullable<F[K]> };

/** Each flag also under its aliases. */
type WithAliases<F, Alias> = {
  [K in keyof F as K | (K extends keyof Alias ? AliasesOf<Alias[K]> : never)]: F[K];
};
type AliasesOf<Names> = Names extends string ? Names
  : Names extends string[] ? Names[number]
  : never;

// deno-lint-ignore no-explicit-any
type Untyped = Record<string, any>;

/** The result: untyped where no flag is named. */
type Parsed<Bool, Str, Many, Neg, Def, Alias> = [Bool | Str | Many] extends [never] ? Untyped
  :
    & Record<string, unknown>
    & WithAliases<WithDefaults<Flags<Bool, Str, Many, Neg>, Def>, Alias>;

/** Parses command line arguments; positional ones are in `_`. */
export function parseArgs<
  Bool extends string = never,
  Str extends string = never,
  Many extends string = never,
  Neg extends string = never,
  Def extends Record<string, unknown> = Record<never, never>,
  Alias extends Record<string, OneOrMore<Short>> = Record<never, never>,
  Short extends string = string,
  Dash extends boolean = false,
>(args: readonly string[], options?: {
  /** Names of flags that are true or false. */
  boolean?: OneOrMore<Bool>;
  /** Names of flags that stay strings. */
  string?: OneOrMore<Str>;
  /** Names of flags that may be repeated, collected in an array. */
  collect?: OneOrMore<Many>;
  /** Names of flags with a `--no-` form. */
  negatable?: OneOrMore<Neg>;
  /** Values of flags that are not given. */
  default?: Def;
  /** Other names of flags. */
  alias?: Alias;
  /** Puts what follows `--` under that name. */
  "--"?: Dash;
  /** Puts everything after the first positional argument in `_`. */
  stopEarly?: boolean;
  /** Called for each flag that is not named; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}):
  & Parsed<Bool, Str, Many, Neg, Def, Alias>
  & { _: Array<string | number> }
  & (Dash extends true ? { "--": string[] } : Record<never, never>);

export {};
