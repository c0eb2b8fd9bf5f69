/**
 * What `json-info-dump` and `json-dump-user` print: a run as the chain has it, and what follows from it for rewards. Points, token
 * units and lamports are text, so that no reader rounds them; keys are Solana addresses, hashes hex.
 */
import { getBase58Decoder, type Address } from "@solana/kit";
import type { ClientSlot, CoordinatorState, Member as WaitingMember } from "../types.ts";
import { toHex } from "../bytes.ts";
import type { Member } from "../generated/coordinator/index.ts";
import type { Treasury } from "../generated/treasurer/index.ts";
import { claimablePoints } from "../solana/accounts.ts";
import { formatAmount } from "./amounts.ts";

export interface RunFacts {
  runId: string;
  address: Address;
  lamports: bigint;
  mainAuthority: Address;
  joinAuthority: Address;
  authorizerProgram: Address;
  nonce: bigint;
  minBondLamports: bigint;
  createdMs: bigint;
  configSha256: Uint8Array;
  unclaimedPoints: bigint;
  /** funded, and promised to no epoch yet; null: its points are not paid out of a treasury */
  unpromisedPoints: bigint | null;
  name: string;
  description: string;
  clientVersion: string;
  numParameters: bigint;
  vocabSize: bigint;
  toml: string;
  /** null before the first configuration */
  state: CoordinatorState | null;
  /** of the running epoch; the state's config has those of the next one */
  epochRates: { earning: bigint; slashing: bigint } | null;
  /** points in slots of both tables that no settle has taken out yet, by owner */
  unsettled: readonly { owner: Address; earned: bigint; slashed: bigint }[];
}

export interface TreasuryFacts {
  address: Address;
  vault: Address;
  account: Treasury;
  decimals: number;
  /** what the vault holds */
  vaultUnits: bigint;
}

export type MemberFacts = Pick<
  Member,
  "owner" | "grant" | "earned" | "slashed" | "claimed" | "bondLamports" | "unbondingLamports" | "unbondingEpoch" | "ejected"
>;

const address = (key: Uint8Array): string => getBase58Decoder().decode(key);

export function dumpMember(member: MemberFacts) {
  const { owner, grant, earned, slashed, claimed, bondLamports, unbondingLamports, unbondingEpoch } = member;
  const claimable = claimablePoints(member);
  return {
    owner,
    grant,
    earned,
    slashed,
    claimed,
    claimable,
    bondLamports,
    unbondingLamports,
    unbondingEpoch,
    ejected: member.ejected !== 0,
  };
}

export function dumpSlot(slot: ClientSlot) {
  const { index, state, carried, roundsTrained, missedRounds, exitedHeight, earned, slashed } = slot;
  return { index, ...keysOf(slot), state, carried, roundsTrained, missedRounds, exitedHeight, earned, slashed };
}

export function keysOf({ owner, session, peerId, expiresMs }: WaitingMember) {
  return { owner: address(owner), session: address(session), peerId: toHex(peerId), sessionExpiresMs: expiresMs };
}

export function dumpRun(run: RunFacts, members: readonly MemberFacts[], treasury: TreasuryFacts | null) {
  const { state } = run;
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
  const unsettled = { earned: sum(run.unsettled.map((s) => s.earned)), slashed: sum(run.unsettled.map((s) => s.slashed)) };
  const claimable = sum(members.map(claimablePoints));
  return {
    run: {
      runId: run.runId,
      address: run.address,
      name: run.name,
      description: run.description,
      clientVersion: run.clientVersion,
      numParameters: run.numParameters,
      vocabSize: run.vocabSize,
      mainAuthority: run.mainAuthority,
      joinAuthority: run.joinAuthority,
      authorizerProgram: run.authorizerProgram,
      minBondLamports: run.minBondLamports,
      createdMs: run.createdMs,
      lamports: run.lamports,
      nonce: run.nonce,
      configSha256: toHex(run.configSha256),
      state: state?.runState ?? "Uninitialized",
      pendingPause: state?.pendingPause ?? false,
      step: state?.step ?? 0,
      parameterHash: state === null ? null : toHex(state.parameterHash),
      parameterHashEpoch: state === null || state.parameterHashEpoch === 0xffff ? null : state.parameterHashEpoch,
      checkpoint: state?.checkpoint ? { ...state.checkpoint, parameterHash: toHex(state.checkpoint.parameterHash) } : null,
      config: state?.config ?? null,
      configToml: run.toml,
    },
    epoch: state === null ? null : dumpEpoch(state, run.epochRates),
    clients: { total: members.length, members: members.map(dumpMember) },
    accounting: {
      sumEarned: sum(members.map((m) => m.earned)),
      sumSlashed: sum(members.map((m) => m.slashed)),
      sumClaimed: sum(members.map((m) => m.claimed)),
      sumClaimable: claimable,
      /** the program's own count of it, which also those know who cannot list members */
      unclaimedPoints: run.unclaimedPoints,
      sumBondLamports: sum(members.map((m) => m.bondLamports)),
      unsettled,
    },
    treasury:
      treasury === null
        ? null
        : dumpTreasury(treasury, claimable + unsettled.earned, run.unpromisedPoints ?? 0n, state?.config.earningRateTotalShared ?? 0n),
  };
}

function dumpEpoch(state: CoordinatorState, rates: RunFacts["epochRates"]) {
  const round = state.rounds.at(-1);
  return {
    epoch: state.epoch,
    startStep: state.epochStartStep,
    lastStep: state.lastStep,
    startMs: state.epochStartMs,
    stateStartedMs: state.runStateStartedMs,
    round: round
      ? {
          height: round.height,
          step: round.step,
          batchSize: round.batchSize,
          witnesses: round.witnesses.length,
          live: round.live.length,
          drain: round.drain,
        }
      : null,
    clients: {
      alive: state.clients.filter((c) => c.state === "Healthy").map(dumpSlot),
      exited: state.clients.filter((c) => c.state !== "Healthy").map(dumpSlot),
    },
    waiting: state.pending.map(keysOf),
    rates: {
      current: rates && { earningRateTotalShared: rates.earning, slashingRatePerClient: rates.slashing },
      future: { earningRateTotalShared: state.config.earningRateTotalShared, slashingRatePerClient: state.config.slashingRatePerClient },
    },
  };
}

function dumpTreasury(
  { address: at, vault, account, decimals, vaultUnits }: TreasuryFacts,
  owedUnits: bigint,
  unpromisedUnits: bigint,
  burnPerEpochUnits: bigint,
) {
  const tokens = (units: bigint): string => formatAmount(units, decimals);
  const surplusUnits = vaultUnits > owedUnits ? vaultUnits - owedUnits : 0n;
  const missingUnits = owedUnits > vaultUnits ? owedUnits - vaultUnits : 0n;
  return {
    address: at,
    vault,
    mint: account.mint,
    decimals,
    mainAuthority: account.mainAuthority,
    closed: account.closed !== 0,
    claimedPoints: account.claimedPoints,
    claimedUnits: account.claimedUnits,
    toppedUpUnits: account.toppedUpUnits,
    vaultUnits,
    vaultTokens: tokens(vaultUnits),
    owedUnits,
    owedTokens: tokens(owedUnits),
    surplusUnits,
    missingUnits,
    missingTokens: tokens(missingUnits),
    /** what epochs to come can promise: funded, and promised to none yet */
    unpromisedUnits,
    burnPerEpochUnits,
    burnPerEpochTokens: tokens(burnPerEpochUnits),
    /** whole epochs that are funded at the future earning rate; null where an epoch pays nothing */
    estimatedFundedEpochs: burnPerEpochUnits === 0n ? null : unpromisedUnits / burnPerEpochUnits,
  };
}
