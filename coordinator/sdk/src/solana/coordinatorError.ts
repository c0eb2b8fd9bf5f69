/** What the chain refused, in the words of the coordinator port. */
import { CoordinatorError, type CoordinatorErrorCode } from "../errors.ts";
import { MACHINE_ERRORS } from "../generated/machineLayout.ts";
import { MachineError } from "../machineError.ts";
import { ChainError, type ChainErrorCode } from "./chainError.ts";

const OF_CHAIN: Record<ChainErrorCode, CoordinatorErrorCode> = {
  "bad-argument": "malformed",
  "not-found": "wrong-run",
  "wrong-account": "internal",
  rejected: "internal",
  unfunded: "not-allowed",
  expired: "timeout",
  unknown: "timeout",
  unreachable: "unreachable",
  rpc: "internal",
  aborted: "aborted",
  closed: "closed",
};

/** By name, of the program's own refusals; the machine's are told by their number. */
const OF_PROGRAM: Readonly<Record<string, CoordinatorErrorCode>> = {
  NotTheSlotsSession: "not-member",
  NotTheAuthority: "not-allowed",
  SessionExpired: "bad-grant",
  StaleSession: "bad-grant",
  StaleMember: "bad-grant",
  NotAuthorized: "bad-grant",
  BondTooSmall: "bad-grant",
  MemberEjected: "ejected",
  OwnerEjected: "ejected",
  NotMember: "not-member",
  UnknownSlot: "not-member",
};

export function asCoordinatorError(error: unknown, doing: string): CoordinatorError {
  if (error instanceof CoordinatorError) return error;
  const message = `${doing}: ${error instanceof Error ? error.message : String(error)}`;
  if (error instanceof MachineError) return new CoordinatorError("refused", message, { cause: error, machineCode: error.code });
  if (!(error instanceof ChainError)) return new CoordinatorError("internal", message, { cause: error });
  const { refusal } = error;
  if (refusal === null) return new CoordinatorError(OF_CHAIN[error.code], message, { cause: error });
  const named = OF_PROGRAM[refusal.name];
  if (named !== undefined) return new CoordinatorError(named, message, { cause: error });
  const machine = refusal.program === "coordinator" ? (MACHINE_ERRORS as Record<number, { code: string }>)[refusal.number] : undefined;
  return new CoordinatorError(machine === undefined ? "not-allowed" : "refused", message, {
    cause: error,
    machineCode: machine?.code ?? null,
  });
}
