/**
 * Multiple-choice questions from JSON lines in the fields that Hugging Face's data sets have: hellaswag (ctx_a, ctx_b, activity_label or
 * ctx; endings, label), ARC (question, choices {text, label}, answerKey), piqa (goal, sol1, sol2, label). They are worded as EleutherAI's
 * lm-evaluation-harness words them, so that figures can be compared.
 */
import { EvaluateError } from "./errors.ts";

export interface Question {
  /** what stands before a choice, which follows after a space */
  context: string;
  choices: readonly string[];
  /** index of the right one */
  answer: number;
}

const MOST_LINES = 1_000_000;
const MOST_CHOICES = 32;
const MOST_CHARACTERS = 1 << 20;

/** `label` names the file in messages. Errors: EvaluateError bad-task. */
export function parseQuestions(text: string, label: string): Question[] {
  const questions: Question[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const at = `${label}, line ${i + 1}`;
    if (questions.length >= MOST_LINES) throw bad(at, `a task has at most ${MOST_LINES} questions`);
    if (line.length > MOST_CHARACTERS) throw bad(at, `a question has at most ${MOST_CHARACTERS} characters, this one ${line.length}`);
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (cause) {
      throw bad(at, `not JSON: ${(cause as Error).message}`, cause);
    }
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw bad(at, "must be a JSON object");
    questions.push(readQuestion(row as Record<string, unknown>, at));
  }
  if (questions.length === 0) throw bad(label, "there is no question in it");
  return questions;
}

function readQuestion(row: Record<string, unknown>, at: string): Question {
  if (row["endings"] !== undefined) return hellaswag(row, at);
  if (row["sol1"] !== undefined) return piqa(row, at);
  if (row["answerKey"] !== undefined) return arc(row, at);
  throw bad(
    at,
    `must have the fields of hellaswag (endings, label), ARC (question, choices, answerKey) or piqa (goal, sol1, sol2, label); it has ${Object.keys(row).slice(0, 10).join(", ")}`,
  );
}

function hellaswag(row: Record<string, unknown>, at: string): Question {
  const whole =
    row["ctx_a"] === undefined || row["ctx_b"] === undefined
      ? textOf(row, "ctx", at)
      : `${textOf(row, "ctx_a", at)} ${capitalized(textOf(row, "ctx_b", at))}`;
  const title = row["activity_label"] === undefined ? "" : `${textOf(row, "activity_label", at)}: `;
  const choices = textsOf(row["endings"], "endings", at).map(withoutMarks);
  return { context: withoutMarks(title + whole), choices, answer: numberedAnswer(row["label"], choices.length, at) };
}

function piqa(row: Record<string, unknown>, at: string): Question {
  const choices = [textOf(row, "sol1", at), textOf(row, "sol2", at)];
  return { context: asked(textOf(row, "goal", at)), choices, answer: numberedAnswer(row["label"], 2, at) };
}

function arc(row: Record<string, unknown>, at: string): Question {
  const { text, label } = (row["choices"] ?? {}) as { text?: unknown; label?: unknown };
  const choices = textsOf(text, "choices.text", at);
  const labels = textsOf(label, "choices.label", at);
  if (labels.length !== choices.length) throw bad(at, `has ${choices.length} choices and ${labels.length} labels`);
  const answer = labels.indexOf(String(row["answerKey"]));
  if (answer < 0) throw bad(at, `answerKey ${JSON.stringify(row["answerKey"])} is none of ${labels.join(", ")}`);
  return { context: asked(textOf(row, "question", at)), choices, answer };
}

const asked = (question: string): string => `Question: ${question}\nAnswer:`;

/** WikiHow's marks, of which hellaswag's texts are full. */
function withoutMarks(text: string): string {
  return text
    .trim()
    .replaceAll(" [title]", ". ")
    .replaceAll(/\[.*?\]/g, "")
    .replaceAll("  ", " ");
}

const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();

function numberedAnswer(value: unknown, choices: number, at: string): number {
  const answer = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isInteger(answer) && (answer as number) >= 0 && (answer as number) < choices) return answer as number;
  throw bad(at, `label must be 0 to ${choices - 1}, got ${JSON.stringify(value)}; is this a split whose answers are kept secret?`);
}

function textOf(row: Record<string, unknown>, key: string, at: string): string {
  const value = row[key];
  if (typeof value === "string") return value;
  throw bad(at, `${key} must be a text, got ${JSON.stringify(value)?.slice(0, 80)}`);
}

function textsOf(value: unknown, key: string, at: string): string[] {
  const isFine = Array.isArray(value) && value.length >= 2 && value.length <= MOST_CHOICES && value.every((v) => typeof v === "string");
  if (isFine && value.every((v) => v !== "")) return value as string[];
  throw bad(at, `${key} must be a list of 2 to ${MOST_CHOICES} texts, got ${JSON.stringify(value)?.slice(0, 80)}`);
}

function bad(at: string, what: string, cause?: unknown): EvaluateError {
  return new EvaluateError("bad-task", `${at}: ${what}`, cause === undefined ? undefined : { cause });
}
