/** An engine that holds, as far as anybody can tell, a part of the model alone: a sliced MatFormer client, to the round protocol. */
import { equalBytes } from "@starling/sdk/bytes";
import type { Engine } from "../../src/round/ports.ts";
import { twinStartHash } from "./twinEngine.ts";

/** The twin underneath holds everything; what a part could not know is kept from the client. */
export function partEngine(engine: Engine): Engine {
  let partOf: Uint8Array | null = twinStartHash;
  return {
    holdsPart: true,
    startEpoch: () => engine.startEpoch(),
    async beginRound(round) {
      partOf = null;
      await engine.beginRound(round);
    },
    train: (batch) => engine.train(batch),
    checkPayload: (payload) => engine.checkPayload(payload),
    async parameterHash() {
      if (partOf === null) throw new Error("a part of the model was asked for the hash of the whole");
      return partOf;
    },
    parameterLeaves: async () => {
      throw new Error("a part of the model was asked for the leaves of the whole");
    },
    async matchesLeaves(leaves) {
      return equalBytes(leaves, await engine.parameterLeaves());
    },
    evaluate: (sequences) => engine.evaluate(sequences),
    exportParameters: async () => {
      throw new Error("a part of the model was asked for the whole");
    },
    async importParameters(parameters) {
      await engine.importParameters(parameters);
      partOf = await engine.parameterHash();
    },
    async importStart() {
      await engine.importStart!();
      partOf = await engine.parameterHash();
    },
  };
}
