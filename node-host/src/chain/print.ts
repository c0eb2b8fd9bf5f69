/** What a command prints: one JSON object, or sentences. */
import type { Progress } from "@starling/sdk/actions/progress";

/** Integers beyond 53 bits, and all amounts, are text in JSON, so that no reader rounds them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? String(field) : field), 2);
}

/** The command's result on stdout. */
export function print(asJson: boolean, value: object, sentences: readonly string[]): void {
  process.stdout.write(asJson ? `${toJson(value)}\n` : `${sentences.join("\n")}\n`);
}

/** What it is doing, on stderr, so that stdout holds nothing but the result. */
export function progress(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

/** As an action tells it. */
export function tellProgress({ text }: Progress): void {
  progress(text);
}
