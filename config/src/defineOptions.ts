/**
 * An option set: the one place of a knob's key, type, unit, default, environment name, range and doc. From it come the
 * parser, `--help`, the docs page, the web form and the JSON description (renderOptions.ts).
 */
import { ConfigError, issue, type Issue } from "./errors.ts";
import { brokenRule, readText, ruleText, type FieldSpec, type FieldValue } from "./fieldSpec.ts";
import { suggestion } from "./nearest.ts";

export type OptionSpec = FieldSpec & {
  /** `--num-clients`; from the key when left out */
  flag?: `--${string}`;
  /** further spellings, such as those of newer or older programs, or one letter: `-w` */
  aliases?: readonly `-${string}`[];
  /** `NUM_CLIENTS`; from the flag when left out; null = not settable by environment */
  env?: string | null;
  /** further names of the variable; `env` wins */
  envAliases?: readonly string[];
  /** `strings` only: takes the words of the command line that belong to no option; its flag takes a list with commas */
  positional?: true;
  /** `strings` only: the flag takes every word up to the next option, besides a list with commas */
  many?: true;
  /** only settable by environment, since every user of the machine can read a command line; never shown */
  secret?: true;
};
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** An option with its names settled. */
export type NamedOption = FieldSpec & {
  key: string;
  flag: string;
  aliases: readonly string[];
  env: string | null;
  envAliases: readonly string[];
  positional: boolean;
  many: boolean;
  secret: boolean;
};

export interface OptionSet<T extends OptionSpecs = OptionSpecs> {
  readonly specs: T;
  /** in the order in which help lists them */
  readonly options: readonly NamedOption[];
}

/** What `parseOptions` returns: undefined is possible only for optional options without a default. */
export type OptionValues<T extends OptionSpecs> = {
  -readonly [K in keyof T]: T[K] extends { optional: true } ? FieldValue<T[K]> | undefined : FieldValue<T[K]>;
};
/** `OptionsOf<typeof localTestnetOptions>` */
export type OptionsOf<S> = S extends OptionSet<infer T> ? OptionValues<T> : never;

/** Declares an option set. Throws `ConfigError` (`definition`) where it contradicts itself. */
export function defineOptions<const T extends OptionSpecs>(specs: T): OptionSet<T> {
  const options = Object.entries(specs).map(([key, spec]): NamedOption => {
    const flag = spec.flag ?? `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const env = spec.env === undefined ? flag.slice(2).replaceAll("-", "_").toUpperCase() : spec.env;
    const { aliases = [], envAliases = [], positional = false, many = false, secret = false } = spec;
    return { ...spec, key, flag, aliases, env, envAliases, positional, many, secret };
  });
  const problems: Issue[] = [];
  const seen = new Set<string>();
  for (const option of options) {
    for (const name of [...flagsOf(option), ...variablesOf(option)]) {
      if (seen.has(name)) problems.push(issue(option.key, name, "is the name of another option already"));
      seen.add(name);
    }
    const rule = option.default === undefined ? null : brokenRule(option, option.default);
    if (rule !== null) problems.push(issue(option.key, option.default, `is the default and ${rule}`, option.unit ?? null));
  }
  if (problems.length > 0) throw new ConfigError("definition", "An option set contradicts itself:", problems);
  return { specs, options };
}

/** The spellings of an option on the command line. */
export function flagsOf({ flag, aliases, secret }: NamedOption): readonly string[] {
  return secret ? [] : [flag, ...aliases];
}

/** The environment variables of an option, the one that wins first. */
export function variablesOf({ env, envAliases }: NamedOption): readonly string[] {
  return env === null ? [] : [env, ...envAliases];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads options from the command line, then the environment, then the defaults. `--flag value` and `--flag=value` mean the
 * same, a boolean also stands alone, `--no-flag` turns one off, a repeated option counts where it stands last, an empty variable counts as unset.
 * Throws one `ConfigError` (`options`) that lists every problem with key, value, rule and unit.
 */
export function parseOptions<T extends OptionSpecs>(set: OptionSet<T>, argv: readonly string[], env: Environment = {}): OptionValues<T> {
  const issues: Issue[] = [];
  const given = readArguments(set, argv, issues);
  const values: Record<string, unknown> = {};
  for (const option of set.options) {
    let source = given.get(option.key);
    const variable = variablesOf(option).find((name) => (env[name] ?? "").trim() !== "");
    if (source === undefined && variable !== undefined) source = { name: variable, text: unquote(env[variable] ?? "") };
    if (source !== undefined) {
      const value = source.words ?? readText(option, source.text);
      const rule = brokenRule(option, value);
      if (rule !== null) issues.push(issue(source.name, option.secret ? undefined : value, rule, option.unit ?? null));
      values[option.key] = value;
    } else {
      values[option.key] = option.default;
      if (option.default === undefined && option.optional !== true) {
        const [name = option.flag, ...others] = [...flagsOf(option).slice(0, 1), ...variablesOf(option).slice(0, 1)];
        const where = others.length === 0 ? "" : `; or set ${others.join()}`;
        issues.push(issue(name, undefined, `is required: ${ruleText(option)}${where}`, option.unit ?? null));
      }
    }
  }
  if (issues.length > 0) throw new ConfigError("options", "The options cannot be used:", issues);
  return values as OptionValues<T>;
}

interface Given {
  /** the spelling used, for messages */
  name: string;
  text: string;
  /** of a positional option */
  words?: string[];
}

function readArguments(set: OptionSet, argv: readonly string[], issues: Issue[]): Map<string, Given> {
  const byName = new Map<string, NamedOption>();
  for (const option of set.options) for (const name of flagsOf(option)) byName.set(name, option);
  const isFlag = (word: string): boolean => word.startsWith("--") || byName.has(word);
  const positional = set.options.find((option) => option.positional);
  const words: string[] = [];
  const given = new Map<string, Given>();
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (!argument.startsWith("--") && !byName.has(argument)) {
      if (positional !== undefined) {
        words.push(argument);
        continue;
      }
      issues.push(issue(argument, undefined, "is not an option: options start with --"));
      continue;
    }
    const equals = argument.indexOf("=");
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const option = byName.get(name);
    const negated = equals < 0 && name.startsWith("--no-") ? byName.get(`--${name.slice("--no-".length)}`) : undefined;
    const next = argv[i + 1];
    if (option === undefined && negated?.type === "boolean") {
      given.set(negated.key, { name, text: "false" });
    } else if (option === undefined) {
      issues.push(issue(name, undefined, `is not a known option${suggestion(name, [...byName.keys()])}`));
      // its value, if it has one, is not a second mistake
      if (equals < 0 && next !== undefined && !next.startsWith("-")) i++;
    } else if (equals >= 0) {
      given.set(option.key, { name, text: argument.slice(equals + 1) });
    } else if (option.type === "boolean" && next !== "true" && next !== "false") {
      given.set(option.key, { name, text: "true" });
    } else if (next === undefined || isFlag(next)) {
      issues.push(issue(name, undefined, `needs a value: ${ruleText(option)}`, option.unit ?? null));
    } else if (option.many) {
      const end = argv.findIndex((word, at) => at > i && isFlag(word));
      const texts = argv.slice(i + 1, end < 0 ? argv.length : end);
      given.set(option.key, { name, text: "", words: texts.flatMap((text) => text.split(",").map((word) => word.trim())) });
      i += texts.length;
    } else {
      given.set(option.key, { name, text: next });
      i++;
    }
  }
  if (positional !== undefined && words.length > 0) given.set(positional.key, { name: positional.flag, text: "", words });
  return given;
}

/** The text that the command line alone gives an option, for what is needed before the others can be read; null = not given. */
export function givenText(set: OptionSet, argv: readonly string[], key: string): string | null {
  return readArguments(set, argv, []).get(key)?.text ?? null;
}

/** Docker's --env-file keeps quotes that a shell would have removed. */
function unquote(text: string): string {
  const quoted = /^\s*(["'])(.*)\1\s*$/s.exec(text);
  return quoted?.[2] ?? text;
}
