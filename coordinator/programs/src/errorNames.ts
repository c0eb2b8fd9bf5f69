/** What a failed transaction says, by name. A panic or an exhausted budget has a name here that no test accepts as a refusal. */
import type { Address } from "@solana/kit";
import type { FailedTransactionMetadata } from "litesvm";

/** InstructionError of solana-instruction-error, in its order; what LiteSVM gives as a number. */
const INSTRUCTION_ERRORS = (
  "GenericError InvalidArgument InvalidInstructionData InvalidAccountData AccountDataTooSmall InsufficientFunds IncorrectProgramId " +
  "MissingRequiredSignature AccountAlreadyInitialized UninitializedAccount UnbalancedInstruction ModifiedProgramId " +
  "ExternalAccountLamportSpend ExternalAccountDataModified ReadonlyLamportChange ReadonlyDataModified DuplicateAccountIndex " +
  "ExecutableModified RentEpochModified NotEnoughAccountKeys AccountDataSizeChanged AccountNotExecutable AccountBorrowFailed " +
  "AccountBorrowOutstanding DuplicateAccountOutOfSync InvalidError ExecutableDataModified ExecutableLamportChange " +
  "ExecutableAccountNotRentExempt UnsupportedProgramId CallDepth MissingAccount ReentrancyNotAllowed MaxSeedLengthExceeded " +
  "InvalidSeeds InvalidRealloc ComputationalBudgetExceeded PrivilegeEscalation ProgramEnvironmentSetupFailure " +
  "ProgramFailedToComplete ProgramFailedToCompile Immutable IncorrectAuthority AccountNotRentExempt InvalidAccountOwner " +
  "ArithmeticOverflow UnsupportedSysvar IllegalOwner MaxAccountsDataAllocationsExceeded MaxAccountsExceeded " +
  "MaxInstructionTraceLengthExceeded BuiltinProgramsMustConsumeComputeUnits BorshIoError"
).split(" ");

/** Of a program that ran out of its rails instead of refusing: never what a test wants. */
export const CRASHES: ReadonlySet<string> = new Set([
  "ComputationalBudgetExceeded",
  "ProgramFailedToComplete",
  "ProgramFailedToCompile",
  "ProgramEnvironmentSetupFailure",
  "CallDepth",
]);

export interface Refusal {
  /** a name of `INSTRUCTION_ERRORS`, of the failing program's own errors, or `Transaction:...` where no instruction ran */
  readonly name: string;
  /** of Custom errors */
  readonly code: number | null;
  /** the program that failed first, by the log */
  readonly program: string | null;
}

export type CustomNames = (program: string, code: number) => string | undefined;

export function readRefusal(failed: FailedTransactionMetadata, logs: readonly string[], names: CustomNames): Refusal {
  const program = firstFailing(logs);
  const error = failed.err();
  if (typeof error === "number" || !("err" in error))
    return { name: `Transaction:${failed.toString().slice(0, 120)}`, code: null, program };
  const inner = error.err();
  if (typeof inner === "number") return { name: INSTRUCTION_ERRORS[inner] ?? `InstructionError${inner}`, code: null, program };
  if (!("code" in inner)) return { name: "BorshIoError", code: null, program };
  return { name: (program && names(program, inner.code)) ?? `Custom${inner.code}`, code: inner.code, program };
}

function firstFailing(logs: readonly string[]): Address | null {
  for (const line of logs) {
    const match = /^Program (\w+) failed: /.exec(line);
    if (match) return match[1] as Address;
  }
  return null;
}
