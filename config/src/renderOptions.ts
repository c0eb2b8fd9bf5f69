import { flagsOf, variablesOf, type NamedOption, type OptionSet } from "./defineOptions.ts";
import { ruleText, showDefault, type FieldSpec } from "./fieldSpec.ts";

const HELP_COLUMNS = 100;

/** The option part of `--help`: flag, unit and default in front, what it does below. */
export function helpText(set: OptionSet): string {
  return set.options
    .map((option) => {
      const value = option.type === "boolean" ? "[true|false]" : `<${valueWord(option)}>`;
      const unit = option.unit === undefined || option.unit === "path" ? "" : `; unit: ${option.unit}`;
      const variables = variablesOf(option);
      const env = variables.length === 0 ? [] : [`env: ${variables.join(", ")}`];
      const facts = [ruleText(option) + unit, `default: ${showDefault(option)}`, ...env];
      const names = option.secret ? `${variables.join(", ")}=` : `${namesOf(option).join(", ")} `;
      return `  ${names}${value}\n${wrap(`${option.doc} [${facts.join("; ")}]`, 8)}`;
    })
    .join("\n");
}

/** A markdown table of the set, for the docs page. */
export function docsMarkdown(set: OptionSet): string {
  const head = "| option | environment | value | unit | default | meaning |\n|---|---|---|---|---|---|";
  const rows = set.options.map((option) =>
    markdownRow([
      namesOf(option)
        .map((name) => `\`${name}\``)
        .join(", "),
      variablesOf(option)
        .map((name) => `\`${name}\``)
        .join(", "),
      ruleText(option),
      option.unit ?? "",
      showDefault(option),
      option.doc,
    ]),
  );
  return [head, ...rows].join("\n");
}

export function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** What a web form needs to draw one input and to check it before sending; plain JSON. */
export interface FormField {
  key: string;
  label: string;
  type: FieldSpec["type"];
  doc: string;
  rule: string;
  unit: string | null;
  default: unknown;
  required: boolean;
  min: number | null;
  max: number | null;
  choices: readonly string[] | null;
}

export function formField(key: string, label: string, spec: FieldSpec): FormField {
  return {
    key,
    label,
    type: spec.type,
    doc: spec.doc,
    rule: ruleText(spec),
    unit: spec.unit ?? null,
    default: spec.default ?? null,
    required: spec.default === undefined && spec.optional !== true,
    min: "min" in spec ? (spec.min ?? null) : null,
    max: "max" in spec ? (spec.max ?? null) : null,
    choices: spec.type === "choice" ? spec.choices : null,
  };
}

/** The set as plain JSON: the web form's fields, and what `--help --json` prints. */
export function optionsJson(set: OptionSet): (FormField & { flag: string; aliases: readonly string[]; env: string | null })[] {
  return set.options.map((option) => ({
    ...formField(option.key, option.flag.slice(2).replaceAll("-", " "), option),
    flag: option.flag,
    aliases: option.aliases,
    env: option.env,
  }));
}

/** A positional option is also the bare words of the command line. */
function namesOf(option: NamedOption): string[] {
  return [...flagsOf(option), ...(option.positional ? [`${option.key.toUpperCase()}...`] : [])];
}

function valueWord(option: NamedOption): string {
  if (option.type === "choice") return option.choices.join("|");
  if (option.type === "string") return option.unit === "path" ? "path" : "text";
  return option.type === "integers" || option.type === "numbers" || option.type === "strings" ? "a,b,..." : "n";
}

function wrap(text: string, indent: number): string {
  const pad = " ".repeat(indent);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > HELP_COLUMNS) {
      lines.push(pad + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, pad + line].join("\n");
}
