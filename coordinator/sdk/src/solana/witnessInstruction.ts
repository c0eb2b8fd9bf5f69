/** Witness transactions as a display reads them: what the witnesses of a run on chain said of their rounds stays there. */
import { getWitnessInstructionDataDecoder, WITNESS_DISCRIMINATOR } from "../generated/coordinator/index.ts";
import { readWitnessMetadata, type WitnessMetadata } from "../witnessMetadata.ts";
import { CHAIN_LIMITS } from "./limits.ts";

export interface WitnessedRound {
  step: number;
  /** the witness's slot in the epoch */
  slot: number;
  bitmap: Uint8Array; // (32)
  bloom: Uint8Array | null; // (512)
  /** null: it said nothing, or nothing that reads */
  metadata: WitnessMetadata | null;
}

/** discriminator, slot, step and four keys */
const REPORT_BYTES = 1 + 2 + 4 + 4 * 32;

/** What the data of an instruction of the program `coordinator` says, or null where it is no witness message. */
export function decodeWitnessInstruction(data: Uint8Array): WitnessedRound | null {
  const extraBytes = data.length - REPORT_BYTES;
  const isSize =
    extraBytes === 0 || (extraBytes >= CHAIN_LIMITS.bloomBytes && extraBytes <= CHAIN_LIMITS.bloomBytes + CHAIN_LIMITS.metadataBytes);
  if (data[0] !== WITNESS_DISCRIMINATOR || !isSize) return null;
  const { step, slot, bitmap, extra } = getWitnessInstructionDataDecoder().decode(data);
  return {
    ...{ step, slot, bitmap: Uint8Array.from(bitmap) },
    bloom: extraBytes === 0 ? null : Uint8Array.from(extra.slice(0, CHAIN_LIMITS.bloomBytes)),
    metadata: readWitnessMetadata(Uint8Array.from(extra.slice(CHAIN_LIMITS.bloomBytes))),
  };
}
