/** `starling train`: the daemon that trains in a run on the chain: joins when it may, survives epochs, restarts and outages. */
import { portOrNone } from "@starling/config/programs/shared";
import { join } from "node:path";
import { createKeyPairSignerFromPrivateKeyBytes, getAddressEncoder, type KeyPairSigner } from "@solana/kit";
import type { OptionsOf, trainOptions } from "@starling/config";
import { postCheckpoints } from "@starling/trainer-core/member/checkpointPoster";
import { watchConfig } from "@starling/trainer-core/member/configWatch";
import { parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { programsOf } from "../chain/chain.ts";
import { Chain, readAddress } from "@starling/sdk/actions/chain";
import { readWallet } from "../chain/keyFile.ts";
import { requireRun } from "@starling/sdk/actions/run";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { patiently, waitToBeAdmitted } from "../member/admission.ts";
import { announcedAddresses } from "../member/announced.ts";
import { derivedKeys } from "../member/derivedKeys.ts";
import { openMemberChain, type MemberChain } from "../member/memberChain.ts";
import { SessionKeeper } from "../member/sessionKeeper.ts";
import { loadIdentity, type LoadedIdentity } from "../platform/identityFile.ts";
import { openOutput, type Output } from "../platform/output.ts";
import { takePart, type Arrival } from "../takePart.ts";

type TrainOptions = OptionsOf<typeof trainOptions>;

/** The run's members share the model among themselves. */
const SHARED_BY_MEMBERS = "p2p";

export async function train(options: TrainOptions): Promise<number> {
  const wallet = await readWallet(options);
  const announce = announcedAddresses(options.announceAddress, {
    tcp: options.bindP2pPort,
    webSocket: portOrNone(options.bindWsPort),
    webRtc: portOrNone(options.bindWebrtcPort),
  });
  const output = await openOutput("client", options);
  try {
    const keys = await machineKeys(options, wallet, output);
    return await takePart({
      options,
      keys,
      output,
      arrive: async (log, signal) => ({ announce, ...(await arrive(options, wallet, keys, log, signal)) }),
    });
  } finally {
    await output.close();
  }
}

/** The file named, or this wallet's own; a disk that cannot be written does not stop a container. */
async function machineKeys(options: TrainOptions, wallet: KeyPairSigner, output: Output): Promise<LoadedIdentity> {
  const owner = new Uint8Array(getAddressEncoder().encode(wallet.address));
  const named = options.identitySecretKeyPath;
  if (named !== undefined) return loadIdentity(named, { owner });
  const fresh = await derivedKeys(wallet, options.runId);
  const folder = options.runId.replaceAll(/[^A-Za-z0-9._-]/g, "_");
  const path = join(".starling", folder, `${wallet.address}.identity.json`);
  try {
    return loadIdentity(path, { owner, fresh });
  } catch (error) {
    if (!(error instanceof HostError) || error.code === "identity-in-use") throw error;
    output.say(`${error.message}: goes on with the keys that follow from the wallet; start one machine only with this wallet`);
    return loadIdentity(undefined, { owner, fresh });
  }
}

async function arrive(
  options: TrainOptions,
  wallet: KeyPairSigner,
  keys: LoadedIdentity,
  log: HostLog,
  signal: AbortSignal,
): Promise<Arrival> {
  const { runId } = options;
  const floatLamports = parseAmount(options.sessionFloat, SOL_DECIMALS, "--session-float");
  const { identity } = keys;
  const member: MemberChain = openMemberChain(options, log);
  const chain = new Chain({
    ...{ client: member.client, programs: programsOf(options), signal },
    maxPriorityFeeMicroLamports: options.maxPriorityFee,
  });
  try {
    const authorizer = options.authorizer === undefined ? undefined : readAddress(options.authorizer, "--authorizer");
    await waitToBeAdmitted(chain, { runId, owner: wallet.address, authorizer }, log);
    const run = await requireRun(chain, runId);
    const session = await createKeyPairSignerFromPrivateKeyBytes(identity.secrets().sessionSeed);
    const keeper = new SessionKeeper({
      ...{ chain, runId, wallet, session, log },
      peer: await createKeyPairSignerFromPrivateKeyBytes(identity.secrets().peerSeed),
      terms: { days: options.sessionDays, floatLamports },
    });
    await patiently(chain, log, () => keeper.attend());
    const programs = { ...chain.programs, authorizer: run.account.authorizerProgram };
    return {
      reach: (at) => member.reach({ ...at, programs, runId, session, authorizer, keys }),
      refused: member.refused,
      close: () => member.close(),
      attend: (client, say) => {
        keeper.start();
        const stopPosting = postCheckpoints({
          coordinator: member.coordinator!,
          session: identity.session.publicKey,
          location: options.checkpointLocation ?? SHARED_BY_MEMBERS,
          holds: options.checkpointDir === undefined ? null : (parameterHash) => client.isKept(parameterHash),
          onWarning: (message) => say({ type: "warning", message }),
        });
        const config = watchConfig(member.coordinator!, client.configToml);
        return {
          ended: config.changed.then((sentence) => new HostError("chain", sentence)),
          close: async () => {
            config.stop();
            stopPosting();
            keeper.stop();
            if (options.closeSession) await keeper.close();
          },
        };
      },
    };
  } catch (error) {
    await member.close();
    throw error;
  }
}
