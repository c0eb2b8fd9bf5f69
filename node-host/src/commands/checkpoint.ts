/** `starling checkpoint`: says on the chain where the agreed parameters are kept. Members' daemons do it by themselves for their own. */
import { createKeyPairSignerFromPrivateKeyBytes, getBase58Decoder } from "@solana/kit";
import type { OptionsOf, checkpointOptions } from "@starling/config";
import { fromHex, toHex } from "@starling/sdk/bytes";
import { checkpoint as checkpointInstruction } from "@starling/sdk/solana/instructions";
import { withChain } from "../chain/chain.ts";
import { findWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { currentTable, requireRun } from "@starling/sdk/actions/run";
import { EXIT_CODES, HostError } from "../errors.ts";
import { readIdentity } from "../platform/identityFile.ts";

export async function checkpoint(options: OptionsOf<typeof checkpointOptions>): Promise<number> {
  const session = await createKeyPairSignerFromPrivateKeyBytes(readIdentity(options.identitySecretKeyPath).secrets().sessionSeed);
  const payer = (await findWallet(options)) ?? session;
  const location = options.revision === undefined ? options.location : `${options.location}@${options.revision}`;
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const { state } = run;
    if (state === null || state.parameterHash.every((byte) => byte === 0))
      throw new HostError("chain", `run ${run.runId} has agreed on no parameters yet: that happens at the end of its first epoch`);
    const hash = options.hash === undefined ? state.parameterHash : fromHex(options.hash, 32)!;
    if (toHex(hash) !== toHex(state.parameterHash))
      throw new HostError(
        "chain",
        `run ${run.runId} has agreed on ${toHex(state.parameterHash)}, and --hash is ${toHex(hash)}: only the agreed parameters can be its checkpoint`,
      );
    const slot = state.clients.find((client) => getBase58Decoder().decode(client.session) === session.address);
    if (!slot)
      throw new HostError(
        "chain",
        `session ${session.address} is not in epoch ${state.epoch} of run ${run.runId}: only its clients can name a checkpoint`,
      );
    const instruction = await checkpointInstruction(run.at, session, { table: currentTable(run), slot: slot.index }, hash, location);
    const signature = await chain.send([instruction], payer, "name the checkpoint");
    print(options.json, { runId: run.runId, location, parameterHash: toHex(hash), epoch: state.parameterHashEpoch, signature }, [
      `the parameters agreed in epoch ${state.parameterHashEpoch} are kept at ${location}`,
    ]);
    return EXIT_CODES.ok;
  });
}
