/**
 * The instructions of the program `coordinator` as the heads of its files say: discriminator and accounts, in order. Written
 * by hand and not from the IDL, so that a mistake in either shows where the two are compared (test/coordinatorIdl.test.ts).
 */
import type { Address } from "@solana/kit";
import { concatBytes } from "@starling/sdk/bytes";
import { type Call, namedAccounts, u8 } from "./wire.ts";

const ROUNDS = "round0(w) round1(w) round2(w) round3(w)";

export const COORDINATOR_INSTRUCTIONS = {
  create_run: `payer(s,w) run(w) config(w) table0(w) table1(w) ${ROUNDS} system`,
  allocate: "payer(s,w) run table(w) system",
  write_config: "authority(s) run(w) config(w)",
  update_config: "authority(s) run(w) config(w) table0(w) table1(w)",
  update_metadata: "authority(s) run(w) config(w)",
  set_paused: "authority(s) run(w) table0(w) table1(w)",
  set_future_epoch_rates: "authority(s) run(w)",
  open_session: "owner(s,w) session_key(s,w) peer(s) run session(w) member(w) system",
  close_session: "closer(s) owner(w) run(w) table0(w) table1(w) session(w)",
  refuel: "session_key(s,w) session(w)",
  join_run: "session_key(s) run(w) table0(w) table1(w) session(w) member(w) authorization",
  leave_run: "session_key(s) run(w) table0(w) table1(w)",
  tick: "run(w) table0(w) table1(w) round(w) slot_hashes",
  warmup_witness: "session_key(s) run(w) table",
  witness: "session_key(s) run(w) table(w) round(w)",
  downloaded: "session_key(s) run(w) table",
  health_check: "session_key(s) run(w) table(w)",
  report_equivocation: "session_key(s) run(w) table0(w) table1(w)",
  checkpoint: "session_key(s) run(w) table session",
  settle: "run(w) table(w) member*(w)",
  enforce_grant: "run(w) table0(w) table1(w) member authorization",
  deposit_bond: "owner(s,w) run member(w) system",
  withdraw_bond: "owner(s,w) run(w) table0(w) table1(w) member(w)",
  record_claim: "authority(s) run(w) member(w)",
  close_run: `authority(s) spill(w) run(w) config(w) table0(w) table1(w) ${ROUNDS}`,
  close_member: "owner(s,w) run member(w) table0 table1",
  fund: "authority(s) run(w)",
} as const;

export type CoordinatorInstruction = keyof typeof COORDINATOR_INSTRUCTIONS;
export const COORDINATOR_INSTRUCTION_NAMES = Object.keys(COORDINATOR_INSTRUCTIONS) as CoordinatorInstruction[];

/** The discriminator is the place in the list above. */
export function coordinatorCall(
  program: Address,
  name: CoordinatorInstruction,
  addresses: Readonly<Record<string, Address>>,
  data: readonly Uint8Array[] = [],
  repeated: readonly Address[] = [],
): Call {
  return {
    name,
    program,
    accounts: namedAccounts(COORDINATOR_INSTRUCTIONS[name], addresses, repeated),
    data: concatBytes(u8(COORDINATOR_INSTRUCTION_NAMES.indexOf(name)), ...data),
  };
}
