/** How a model's text becomes its tokens: the tokenizer, what stands before a text, what ends one. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { readTextFile, type CheckpointFiles } from "../checkpoint/checkpointFiles.ts";
import { byteTokenizer, loadTokenizer, TokenizerError, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { GenerateError } from "./errors.ts";

export interface TextModel {
  tokenizer: Tokenizer;
  /** tokens before every text, as the tokenizer's own template has them; mostly one that marks the beginning, or none */
  prefix: readonly number[];
  /** a token from here on is no text: the model's rows without a token are never written */
  vocabulary: number;
  /** any of these ends a text */
  stopTokens: readonly number[];
}

const BYTES = 256;

/**
 * `tokenizerJson` null: the model's tokens are bytes, as those of the presets are. `generationConfig`: the parsed
 * generation_config.json, whose end-of-text tokens count beside those of config.json. Errors: TokenizerError, GenerateError bad-setting.
 */
export function textModel(config: LlamaConfig, tokenizerJson: string | null, generationConfig: unknown = null): TextModel {
  if (tokenizerJson === null) {
    if (config.vocabSize < BYTES) {
      throw new GenerateError(
        "bad-setting",
        `the model has no tokenizer.json, and its vocabulary of ${config.vocabSize} is too small for bytes, which need ${BYTES}`,
      );
    }
    return { tokenizer: byteTokenizer, prefix: [], vocabulary: BYTES, stopTokens: [] };
  }
  const tokenizer = loadTokenizer(tokenizerJson);
  const others = (generationConfig as { eos_token_id?: unknown } | null)?.eos_token_id;
  const stopTokens = [config.eosTokenId, others].flat().filter((id): id is number => Number.isSafeInteger(id));
  return {
    tokenizer,
    prefix: templatePrefix(tokenizerJson),
    vocabulary: Math.min(config.vocabSize, tokenizer.vocabSize),
    stopTokens: [...new Set(stopTokens)],
  };
}

/** Of a checkpoint's folder. Errors: CheckpointError, TokenizerError, GenerateError bad-setting. */
export async function textModelOf(files: CheckpointFiles, config: LlamaConfig, tokenizerJson: string | null): Promise<TextModel> {
  const text = await readTextFile(files, "generation_config.json");
  let generationConfig: unknown = null;
  try {
    generationConfig = text === null ? null : JSON.parse(text);
  } catch (cause) {
    throw new GenerateError("bad-setting", `${files.location}/generation_config.json is not JSON: ${(cause as Error).message}`, { cause });
  }
  return textModel(config, tokenizerJson, generationConfig);
}

interface Template {
  type?: string;
  processors?: Template[];
  single?: { SpecialToken?: { id?: string } }[];
  special_tokens?: Record<string, { ids?: number[] } | undefined>;
}

/** The special tokens that `post_processor` puts before a single text. */
function templatePrefix(tokenizerJson: string): number[] {
  const { post_processor: top } = JSON.parse(tokenizerJson) as { post_processor?: Template | null };
  const template = [top, ...(top?.processors ?? [])].find((part) => part?.type === "TemplateProcessing");
  const prefix: number[] = [];
  for (const part of template?.single ?? []) {
    const name = part.SpecialToken?.id;
    if (name === undefined) break;
    prefix.push(...(template?.special_tokens?.[name]?.ids ?? []));
  }
  return prefix;
}

/** Tokens to text as they come: a character that several tokens spell appears with its last one. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #tokens: number[];
  /** the text of tokens from `#from` to `#told` is out; what comes next is read together with it, as spaces depend on neighbours */
  #from: number;
  #told: number;

  /** `before`: what the text continues; it is not given again. */
  constructor(tokenizer: Tokenizer, before: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#tokens = [...before];
    this.#from = Math.max(0, before.length - 8);
    this.#told = before.length;
  }

  /** The text that `token` completes; often none of it. */
  push(token: number): string {
    this.#tokens.push(token);
    return this.#next(false);
  }

  /** What is left, bytes that are no character included. */
  end(): string {
    return this.#next(true);
  }

  #next(isEnd: boolean): string {
    const before = this.#decode(this.#tokens.slice(this.#from, this.#told));
    const all = this.#decode(this.#tokens.slice(this.#from));
    if (!isEnd && all.endsWith("\uFFFD")) return "";
    this.#from = this.#told;
    this.#told = this.#tokens.length;
    return all.slice(before.length);
  }

  /** A token without a text, which a vocabulary may have in its middle, is passed over. */
  #decode(tokens: readonly number[]): string {
    try {
      return this.#tokenizer.decode(tokens);
    } catch (error) {
      if (!(error instanceof TokenizerError) || error.code !== "unknown-token") throw error;
      return tokens.length === 1 ? "" : tokens.map((token) => this.#decode([token])).join("");
    }
  }
}
