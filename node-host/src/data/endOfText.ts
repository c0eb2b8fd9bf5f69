/** Which token ends a document. tokenizer.json does not say; tokenizer_config.json beside it may. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HostError } from "../errors.ts";

/** Names in use, most specific first. */
const USUAL_NAMES = ["<|end_of_text|>", "<|endoftext|>", "</s>", "<eos>", "<|eot_id|>"];

/** Its id. Errors: HostError bad-option when it is not clear which. */
export function findEndOfText(tokenizerPath: string, tokenizerText: string, asked: string | undefined): number {
  const { added_tokens: added = [], model } = JSON.parse(tokenizerText) as {
    added_tokens?: { content: string; id: number }[];
    model?: { vocab?: Record<string, number> };
  };
  const idOf = (name: string): number | undefined =>
    added.find(({ content }) => content === name)?.id ?? (model?.vocab && Object.hasOwn(model.vocab, name) ? model.vocab[name] : undefined);
  const name =
    asked ?? nameInConfig(join(dirname(tokenizerPath), "tokenizer_config.json")) ?? USUAL_NAMES.find((usual) => idOf(usual) !== undefined);
  const id = name === undefined ? undefined : idOf(name);
  if (id !== undefined) return id;
  throw new HostError(
    "bad-option",
    name === undefined
      ? `${tokenizerPath} does not say which token ends a document: name it with --eos-token, or use --no-append-eos`
      : `${tokenizerPath} has no token "${name}": name one that it has with --eos-token, or use --no-append-eos`,
  );
}

function nameInConfig(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const { eos_token: name } = JSON.parse(readFileSync(path, "utf8")) as { eos_token?: string | { content?: string } };
    return typeof name === "string" ? name : name?.content;
  } catch (cause) {
    throw new HostError("bad-option", `${path} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}
