/** An owner's claims in a run, read back from the transactions that the nodes keep. */
import { getBase64Encoder, getCompiledTransactionMessageDecoder, getTransactionDecoder, type Address } from "@solana/kit";
import { CLAIM_DISCRIMINATOR, getClaimInstructionDataDecoder } from "../generated/treasurer/index.ts";
import { field, integer, list, string, type Json } from "../solana/json.ts";
import { participantAddress, treasuryAddress } from "../solana/pdas.ts";
import type { Chain } from "./chain.ts";

export interface Claim {
  signature: string;
  /** Unix milliseconds; null: the node does not say */
  atMs: number | null;
  units: bigint;
}

export interface ClaimHistory {
  /** the newest first */
  claims: Claim[];
  /** false: there are more, or some are kept by no node any more */
  isWhole: boolean;
}

/** of a claim's accounts */
const PARTICIPANT = 2;
const MOST = 50;
const MOST_AT_ONCE = 5;

/** Errors: ChainError; RpcRefusal where a node keeps no transactions. */
export async function claimHistory(chain: Chain, run: Address, owner: Address): Promise<ClaimHistory> {
  const { programs, client, signal } = chain;
  const participant = await participantAddress(programs, await treasuryAddress(programs, run), owner);
  const commitment = client.commitment === "finalized" ? "finalized" : "confirmed";
  const told = list(await client.pool.call("getSignaturesForAddress", [participant, { limit: MOST, commitment }], signal), "signatures");
  const carriedOut = told.filter((one) => (field(one, "err") ?? null) === null);
  const claims: Claim[] = [];
  let isWhole = told.length < MOST;
  for (let at = 0; at < carriedOut.length; at += MOST_AT_ONCE) {
    const some = await Promise.all(
      carriedOut.slice(at, at + MOST_AT_ONCE).map(async (one) => {
        const signature = string(field(one, "signature"), "a signature");
        const config = { encoding: "base64", commitment, maxSupportedTransactionVersion: 0 };
        const found = await client.pool.call("getTransaction", [signature, config], signal);
        const time = field(one, "blockTime") ?? null;
        return { signature, found, atMs: time === null ? null : 1000 * Number(integer(time, "a time")) };
      }),
    );
    for (const { signature, found, atMs } of some) {
      if (found === null) isWhole = false;
      else for (const units of claimsIn(found, programs.treasurer, participant)) claims.push({ signature, atMs, units });
    }
  }
  return { claims, isWhole };
}

/** Units of each claim in the transaction. */
function claimsIn(found: Json, treasurer: Address, participant: Address): bigint[] {
  const [wire] = list(field(found, "transaction"), "a transaction");
  const { messageBytes } = getTransactionDecoder().decode(getBase64Encoder().encode(string(wire, "a transaction's bytes")));
  const message = getCompiledTransactionMessageDecoder().decode(messageBytes);
  if (!("instructions" in message)) return [];
  return message.instructions.flatMap(({ programAddressIndex, accountIndices = [], data }) => {
    const isClaim =
      message.staticAccounts[programAddressIndex] === treasurer &&
      data?.[0] === CLAIM_DISCRIMINATOR &&
      message.staticAccounts[accountIndices[PARTICIPANT] ?? -1] === participant;
    if (!isClaim) return [];
    return [getClaimInstructionDataDecoder().decode(data).points];
  });
}
