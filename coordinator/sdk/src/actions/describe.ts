/**
 * What instructions do, in plain words, for the person who is to sign them: read back from the bytes that are signed, not from what
 * the caller meant. An instruction that is not known is said to be so.
 */
import {
  addDecoderSizePrefix,
  getAddressDecoder,
  getU16Decoder,
  getU64Decoder,
  getUtf8Decoder,
  type Address,
  type Decoder,
  type Instruction,
  type ReadonlyUint8Array,
} from "@solana/kit";
import {
  ASSOCIATED_TOKEN_PROGRAM_ADDRESS,
  getMintToCheckedInstructionDataDecoder,
  getMintToInstructionDataDecoder,
} from "@solana-program/token";
import { COMPUTE_BUDGET_PROGRAM_ADDRESS } from "@solana-program/compute-budget";
import {
  getCreateAccountInstructionDataDecoder,
  getTransferSolInstructionDataDecoder,
  SYSTEM_PROGRAM_ADDRESS,
} from "@solana-program/system";
import * as authorizer from "../generated/authorizer/index.ts";
import * as coordinator from "../generated/coordinator/index.ts";
import * as treasurer from "../generated/treasurer/index.ts";
import { PUBLIC_GRANTEE, type Programs } from "../solana/pdas.ts";
import { TOKEN_2022_PROGRAM_ADDRESS, TOKEN_PROGRAM_ADDRESS } from "../solana/tokens.ts";
import { formatAmount, formatSol } from "./amounts.ts";

interface Reading {
  data: ReadonlyUint8Array;
  /** of the instruction's nth account */
  at: (index: number) => string;
  /** an amount of that mint, in tokens where its decimals are known */
  amount: (units: bigint, mint: string) => string;
}

type Words = (reading: Reading) => string;

/** One line an instruction; equal ones that follow each other are told once. `decimals`: of mints, by address. Pure. */
export function describe(
  instructions: readonly Instruction[],
  programs: Programs,
  decimals: ReadonlyMap<Address, number> = new Map(),
): string[] {
  const lines: { text: string; times: number }[] = [];
  for (const instruction of instructions) {
    const text = sentence(instruction, programs, decimals);
    if (text === null) continue;
    const last = lines.at(-1);
    if (last?.text === text) last.times++;
    else lines.push({ text, times: 1 });
  }
  return lines.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`));
}

/** Null: it only says what the transaction may cost. */
function sentence(instruction: Instruction, programs: Programs, decimals: ReadonlyMap<Address, number>): string | null {
  const { programAddress, data = new Uint8Array(0), accounts = [] } = instruction;
  if (programAddress === COMPUTE_BUDGET_PROGRAM_ADDRESS) return null;
  const reading: Reading = {
    data,
    at: (index) => accounts[index]?.address ?? "an account that is missing",
    amount: (units, mint) => {
      const places = decimals.get(mint as Address);
      return places === undefined ? `${units} base units of token ${mint}` : `${formatAmount(units, places)} tokens of ${mint}`;
    },
  };
  const table = tableOf(programAddress, programs);
  const words = table?.[data[0] ?? -1];
  if (words === undefined) return `Call ${nameOf(programAddress, programs)} with ${data.length} bytes that this version does not know`;
  try {
    return words(reading);
  } catch {
    return `Call ${nameOf(programAddress, programs)} with data that cannot be read`;
  }
}

function nameOf(program: Address, programs: Programs): string {
  const known = (Object.keys(programs) as (keyof Programs)[]).find((name) => programs[name] === program);
  return known === undefined ? `the program ${program}` : `the program "${known}"`;
}

function tableOf(program: Address, programs: Programs): Readonly<Record<number, Words>> | null {
  switch (program) {
    case programs.coordinator:
      return COORDINATOR;
    case programs.treasurer:
      return TREASURER;
    case programs.authorizer:
      return AUTHORIZER;
    case TOKEN_PROGRAM_ADDRESS:
    case TOKEN_2022_PROGRAM_ADDRESS:
      return TOKEN;
    case ASSOCIATED_TOKEN_PROGRAM_ADDRESS:
      return ASSOCIATED_TOKEN;
    case SYSTEM_PROGRAM_ADDRESS:
      return SYSTEM;
    default:
      return null;
  }
}

const time = (ms: bigint): string => {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms after 1970` : date.toISOString().replace(":00.000Z", " UTC").replace("T", " ");
};
const whom = (grantee: string): string => (grantee === PUBLIC_GRANTEE ? "everyone" : grantee);

/** Coordinator instructions that change a run, by discriminator: the treasurer forwards them too, and their first account differs then. */
const CHANGES: Readonly<Record<number, (data: ReadonlyUint8Array, spill: () => string) => string>> = {
  [coordinator.WRITE_CONFIG_DISCRIMINATOR]: (data) => {
    const { offset, data: piece } = coordinator.getWriteConfigInstructionDataDecoder().decode(data);
    return `Store bytes ${offset} to ${offset + piece.length} of the run's configuration`;
  },
  [coordinator.UPDATE_CONFIG_DISCRIMINATOR]: (data) => {
    const { tomlLen } = coordinator.getUpdateConfigInstructionDataDecoder().decode(data);
    return `Take the stored configuration of ${tomlLen} bytes into use`;
  },
  [coordinator.UPDATE_METADATA_DISCRIMINATOR]: (data) => {
    const { flags, fields } = coordinator.getUpdateMetadataInstructionDataDecoder().decode(data);
    let at = 0;
    const changes = METADATA.filter((_, bit) => (flags & (1 << bit)) !== 0).map(([name, decoder, words]) => {
      const [value, end] = decoder.read(fields, at);
      at = end;
      return `${name} ${words(value)}`;
    });
    return `Change what the run is shown with: ${changes.join(", ")}`;
  },
  [coordinator.SET_PAUSED_DISCRIMINATOR]: (data) =>
    coordinator.getSetPausedInstructionDataDecoder().decode(data).paused === 0
      ? "Start the run, or let it go on"
      : "Pause the run once the rounds under way are applied",
  [coordinator.SET_FUTURE_EPOCH_RATES_DISCRIMINATOR]: (data) => {
    const { earningRate, slashingRate } = coordinator.getSetFutureEpochRatesInstructionDataDecoder().decode(data);
    return `From the next epoch on pay ${earningRate} points an epoch, shared by its members, and take ${slashingRate} points from an ejected one`;
  },
  [coordinator.CLOSE_RUN_DISCRIMINATOR]: (_, spill) => `Close the run for good; the deposits of its accounts go to ${spill()}`,
};

const TEXT = addDecoderSizePrefix(getUtf8Decoder(), getU16Decoder());
const quoted = (text: unknown): string => JSON.stringify(text);
/** What `update_metadata` can change, by the bit of its flags; the values follow each other in that order. */
const METADATA: readonly (readonly [name: string, decoder: Decoder<unknown>, words: (value: unknown) => string])[] = [
  ["name", TEXT, quoted],
  ["description", TEXT, quoted],
  ["client version", TEXT, quoted],
  ["number of parameters", getU64Decoder(), String],
  ["vocabulary size", getU64Decoder(), String],
  ["join authority (who decides about joining)", getAddressDecoder(), String],
  ["minimum bond", getU64Decoder(), (lamports) => formatSol(lamports as bigint)],
];

const newRun = (data: { runId: string; joinAuthority: Address; minBondLamports: bigint }): string =>
  `Create run "${data.runId}", which ${data.joinAuthority} lets people into${
    data.minBondLamports === 0n ? "" : `; members need a bond of ${formatSol(data.minBondLamports)}`
  }`;

const COORDINATOR: Readonly<Record<number, Words>> = {
  ...Object.fromEntries(Object.entries(CHANGES).map(([key, words]) => [key, ({ data, at }: Reading) => words(data, () => at(1))])),
  [coordinator.CREATE_RUN_DISCRIMINATOR]: ({ data }) => newRun(coordinator.getCreateRunInstructionDataDecoder().decode(data)),
  [coordinator.ALLOCATE_DISCRIMINATOR]: () => "Pay the deposit for more room in a table of the run's members",
  [coordinator.OPEN_SESSION_DISCRIMINATOR]: ({ data, at }) => {
    const { expiresMs, floatLamports } = coordinator.getOpenSessionInstructionDataDecoder().decode(data);
    return `Let the session key ${at(1)} train for you in this run until ${time(expiresMs)}${
      floatLamports === 0n ? "" : `, with ${formatSol(floatLamports)} for its fees, which come back as far as they are not spent`
    }`;
  },
  [coordinator.CLOSE_SESSION_DISCRIMINATOR]: ({ at }) => `Close a session; what it holds goes back to ${at(1)}`,
  [coordinator.REFUEL_DISCRIMINATOR]: ({ data, at }) => {
    const { lamports } = coordinator.getRefuelInstructionDataDecoder().decode(data);
    return `Move up to ${formatSol(lamports)} from the session's float to its key ${at(0)}`;
  },
  [coordinator.JOIN_RUN_DISCRIMINATOR]: () => "Join the run for its next epoch",
  [coordinator.LEAVE_RUN_DISCRIMINATOR]: () => "Leave the run",
  [coordinator.TICK_DISCRIMINATOR]: () => "Let the run do what is due",
  [coordinator.WARMUP_WITNESS_DISCRIMINATOR]: () => "Report that the model has arrived",
  [coordinator.WITNESS_DISCRIMINATOR]: () => "Report the results of a round",
  [coordinator.DOWNLOADED_DISCRIMINATOR]: () => "Report that the agreed results were downloaded",
  [coordinator.HEALTH_CHECK_DISCRIMINATOR]: () => "Report members that do not answer",
  [coordinator.REPORT_EQUIVOCATION_DISCRIMINATOR]: () => "Report a member that sent two different results for one batch",
  [coordinator.CHECKPOINT_DISCRIMINATOR]: ({ data }) =>
    `Say that the agreed parameters are kept at ${coordinator.getCheckpointInstructionDataDecoder().decode(data).location}`,
  [coordinator.SETTLE_DISCRIMINATOR]: ({ data }) => {
    const { length } = coordinator.getSettleInstructionDataDecoder().decode(data).slots;
    return `Book the points of the last epoch for ${length} ${length === 1 ? "member" : "members"}`;
  },
  [coordinator.ENFORCE_GRANT_DISCRIMINATOR]: () => "End a membership whose permission is gone; it lasts until the epoch ends",
  [coordinator.DEPOSIT_BOND_DISCRIMINATOR]: ({ data }) =>
    `Deposit a bond of ${formatSol(coordinator.getDepositBondInstructionDataDecoder().decode(data).lamports)}; it comes back an epoch after you ask for it, unless you are ejected`,
  [coordinator.WITHDRAW_BOND_DISCRIMINATOR]: ({ data }) =>
    `Withdraw ${formatSol(coordinator.getWithdrawBondInstructionDataDecoder().decode(data).lamports)} of the bond: the first time it is taken out of use, an epoch later it is paid`,
  [coordinator.FUND_DISCRIMINATOR]: ({ data }) =>
    `Promise that you can pay ${coordinator.getFundInstructionDataDecoder().decode(data).points} points more; epochs pay no more than what is promised so`,
  [coordinator.RECORD_CLAIM_DISCRIMINATOR]: ({ data }) =>
    `Note that ${coordinator.getRecordClaimInstructionDataDecoder().decode(data).points} points were paid to a member`,
  [coordinator.CLOSE_MEMBER_DISCRIMINATOR]: ({ at }) => `Close the membership; its deposit and its bond go back to ${at(0)}`,
};

const TREASURER: Readonly<Record<number, Words>> = {
  [treasurer.CREATE_RUN_DISCRIMINATOR]: ({ data, at }) =>
    `${newRun(treasurer.getCreateRunInstructionDataDecoder().decode(data))}; its rewards are paid in token ${at(2)}`,
  [treasurer.FORWARD_DISCRIMINATOR]: ({ data, at }) => {
    const inner = treasurer.getForwardInstructionDataDecoder().decode(data).data;
    const words = CHANGES[inner[0] ?? -1];
    return words === undefined
      ? "Act on the run through its treasury, in a way that this version does not know"
      : words(inner, () => at(4));
  },
  [treasurer.CREATE_PARTICIPANT_DISCRIMINATOR]: () => "Pay the deposit for the account that remembers your claims",
  [treasurer.CLOSE_PARTICIPANT_DISCRIMINATOR]: ({ at }) =>
    `Close the account that remembers your claims; its deposit goes back to ${at(0)}`,
  [treasurer.CLAIM_DISCRIMINATOR]: ({ data, at, amount }) =>
    `Receive ${amount(treasurer.getClaimInstructionDataDecoder().decode(data).points, at(7))} from the run's treasury`,
  [treasurer.TOP_UP_DISCRIMINATOR]: ({ data, at, amount }) =>
    `Move ${amount(treasurer.getTopUpInstructionDataDecoder().decode(data).units, at(4))} from your token account to the run's treasury`,
  [treasurer.WITHDRAW_SURPLUS_DISCRIMINATOR]: ({ at }) =>
    `Move all that is left in the treasury in token ${at(4)} to the token account ${at(3)}, and close it`,
};

const AUTHORIZER: Readonly<Record<number, Words>> = {
  [authorizer.CREATE_DISCRIMINATOR]: ({ data }) =>
    `Prepare a permission to join your runs for ${whom(authorizer.getCreateInstructionDataDecoder().decode(data).grantee)}; not active yet`,
  [authorizer.SET_ACTIVE_DISCRIMINATOR]: ({ data }) =>
    authorizer.getSetActiveInstructionDataDecoder().decode(data).active === 0
      ? "Take a permission to join your runs out of force"
      : "Put a permission to join your runs into force",
  [authorizer.SET_DELEGATES_DISCRIMINATOR]: ({ data }) => {
    const { clear, delegates } = authorizer.getSetDelegatesInstructionDataDecoder().decode(data);
    const named = delegates.length === 0 ? "" : `let these keys join by your permission: ${delegates.join(", ")}`;
    const forget = clear === 0 ? "" : "forget the keys that may join by your permission";
    return capital([forget, named].filter((part) => part !== "").join(", then ") || "change nothing of who may join by your permission");
  },
  [authorizer.CLOSE_DISCRIMINATOR]: ({ at }) => `Delete a permission to join your runs; its deposit goes to ${at(2)}`,
};

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Discriminators of the token programs that a test cluster's mint is made with. */
const MINT_TO = 7;
const MINT_TO_CHECKED = 14;
const INITIALIZE_MINT_2 = 20;

const TOKEN: Readonly<Record<number, Words>> = {
  [INITIALIZE_MINT_2]: ({ data, at }) => `Create the token ${at(0)} with ${data[1]} decimals; you may make more of it`,
  [MINT_TO]: ({ data, at, amount }) => `Make ${amount(getMintToInstructionDataDecoder().decode(data).amount, at(0))} for ${at(1)}`,
  [MINT_TO_CHECKED]: ({ data, at, amount }) =>
    `Make ${amount(getMintToCheckedInstructionDataDecoder().decode(data).amount, at(0))} for ${at(1)}`,
};

const ASSOCIATED_TOKEN_CREATE_IDEMPOTENT = 1;

const ASSOCIATED_TOKEN: Readonly<Record<number, Words>> = {
  [ASSOCIATED_TOKEN_CREATE_IDEMPOTENT]: ({ at }) => `Open an account of token ${at(3)} for ${at(2)}, where there is none yet`,
};

const SYSTEM_CREATE_ACCOUNT = 0;
const SYSTEM_TRANSFER = 2;

const SYSTEM: Readonly<Record<number, Words>> = {
  [SYSTEM_CREATE_ACCOUNT]: ({ data, at }) =>
    `Pay a deposit of ${formatSol(getCreateAccountInstructionDataDecoder().decode(data).lamports)} for the new account ${at(1)}`,
  [SYSTEM_TRANSFER]: ({ data, at }) =>
    `Move ${formatSol(getTransferSolInstructionDataDecoder().decode(data).amount)} from ${at(0)} to ${at(1)}`,
};
