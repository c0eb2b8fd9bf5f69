/** What a node says of a transaction that failed -> a sentence. */
import type { Address, Instruction } from "@solana/kit";
import { PROGRAM_ERRORS } from "../generated/programErrors.ts";
import { ChainError, type ProgramRefusal } from "./chainError.ts";
import { field, type Json } from "./json.ts";
import type { Programs } from "./pdas.ts";

/** Logs of one transaction are bounded by the runtime at 10 KB; a node may lie. */
const MOST_LOG_LINES = 400;

/** Failures that the same transaction may not meet again: a stale blockhash, or a budget that was guessed too low. */
export type Retryable = "blockhash" | "compute-budget";

export function retryable(error: Json | undefined, logs: readonly string[]): Retryable | null {
  if (error === "BlockhashNotFound") return "blockhash";
  const detail = instructionError(error)?.detail;
  if (detail === "ComputationalBudgetExceeded") return "compute-budget";
  const exhausted = logs.some((line) => /exceeded CUs meter|Computational budget exceeded/.test(line));
  return detail === "ProgramFailedToComplete" && exhausted ? "compute-budget" : null;
}

/** A transaction's error, with its logs where the node gave them. */
export function transactionError(
  programs: Programs,
  instructions: readonly Instruction[],
  error: Json | undefined,
  logs: readonly string[],
  signature: string | null,
): ChainError {
  const failed = instructionError(error);
  if (failed === null) {
    if (error === "AccountNotFound" || error === "InsufficientFundsForFee" || field(error, "InsufficientFundsForRent") !== undefined) {
      return new ChainError("unfunded", "the fee payer has too few lamports for the fee", { signature });
    }
    return new ChainError("rejected", `the transaction was refused: ${described(error)}`, { signature });
  }
  const number = field(failed.detail, "Custom");
  const program = innermostProgram(logs) ?? instructions[failed.index]?.programAddress ?? null;
  if (typeof number === "number") {
    const refusal = programRefusal(programs, program, number);
    return isUnfunded(program, number)
      ? new ChainError("unfunded", "an account has too few lamports for what it shall pay", { signature, refusal })
      : new ChainError("rejected", sentence(refusal), { signature, refusal });
  }
  const who = program === null ? "a program" : nameOf(programs, program);
  return new ChainError("rejected", `${who} refused instruction ${failed.index}: ${described(failed.detail)}${tail(logs)}`, { signature });
}

/** By number, from the list of the program; a number that the list lacks keeps its number. */
export function programRefusal(programs: Programs, program: Address | null, number: number): ProgramRefusal {
  const name = program === null ? "coordinator" : nameOf(programs, program);
  const known = name in PROGRAM_ERRORS ? PROGRAM_ERRORS[name as keyof typeof PROGRAM_ERRORS][number] : undefined;
  return {
    program: name,
    number,
    name: known?.name ?? "",
    message: known?.message ?? `error ${number}, which this client's list does not have`,
  };
}

function sentence(refusal: ProgramRefusal): string {
  return `${refusal.program}: ${refusal.message}${refusal.name === "" ? "" : ` (${refusal.name})`}`;
}

function nameOf(programs: Programs, program: Address): string {
  const known = (Object.keys(programs) as (keyof Programs)[]).find((name) => programs[name] === program);
  return known ?? program;
}

/** The system program's "insufficient lamports", and the token program's "insufficient funds". */
function isUnfunded(program: Address | null, number: number): boolean {
  return number === 1 && program === "11111111111111111111111111111111";
}

function instructionError(error: Json | undefined): { index: number; detail: Json } | null {
  const pair = field(error, "InstructionError");
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "number" ? { index: pair[0], detail: pair[1] } : null;
}

/** A program that fails inside another one is told first. */
function innermostProgram(logs: readonly string[]): Address | null {
  for (const line of logs.slice(0, MOST_LOG_LINES)) {
    const match = /^Program (\w{32,44}) failed: /.exec(line);
    if (match) return match[1] as Address;
  }
  return null;
}

function tail(logs: readonly string[]): string {
  const spoken = logs.filter((line) => line.startsWith("Program log: ")).at(-1);
  return spoken === undefined ? "" : ` (${spoken.slice("Program log: ".length, 200)})`;
}

function described(error: Json | undefined): string {
  return typeof error === "string"
    ? error
    : JSON.stringify(error ?? null, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)).slice(0, 200);
}

export function logLines(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((line) => typeof line === "string").slice(0, MOST_LOG_LINES) : [];
}
