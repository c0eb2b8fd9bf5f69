/** The one place where a tab's parts meet: the engine and the round client are the daemon's own, only the ports are a browser's. */
import { parseRunConfig } from "@starling/config";
import { BlobService } from "@starling/network";
import { createBrowserNetwork } from "@starling/network/libp2pBrowser";
import { connectTcpCoordinator, Identity, systemClock } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { localDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { httpFiles } from "@starling/trainer-core/data/httpFiles";
import { Device } from "@starling/trainer-core/device/device";
import { RoundClient } from "@starling/trainer-core/round/client";
import { TrainingEngine } from "@starling/trainer-core/train/engine";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import type { FromWorker, JoinRequest } from "./protocol.ts";

export interface Participant {
  leave(): Promise<void>;
}

/** Joins and trains until `leave`. Errors: those of the parts, each with a sentence. */
export async function participate(request: JoinRequest, tell: (message: FromWorker) => void): Promise<Participant> {
  const identity = Identity.generate();
  identity.beginChain();
  const network = await createBrowserNetwork({ seed: identity.secrets().peerSeed });
  const coordinator = await connectTcpCoordinator({
    network,
    coordinator: request.coordinator,
    session: identity.session,
    grant: (runId) => identity.grant(runId, Date.now()),
  });
  const info = await coordinator.runInfo();
  const plan = runPlan(parseRunConfig(info.configToml, { source: "the coordinator's run config" }));
  const device = await Device.create(navigator.gpu);
  const engine = await TrainingEngine.create(device, plan, { microBatchSequences: request.microBatchSequences });
  tell({ type: "engine", adapter: device.adapter.description || device.adapter.architecture, profile: device.profile });

  const data = localDataProvider(httpFiles(request.dataUrls), { maxSeqLen: plan.sequenceTokens, vocabSize: plan.llama.vocabSize });
  const blobs = new BlobService({ network, capacityBytes: plan.blobCapacityBytes });
  const round = new RoundClient(
    {
      runId: info.runId,
      membership: identity.membership(),
      pipeline: plan.pipeline,
      schedule: plan.schedule,
      coldStartWarmupSteps: plan.coldStartWarmupSteps,
      maxPayloadBytes: plan.payloadBytes,
      hashEveryRound: request.hashEveryRound,
      onTelemetry: (event) => tell({ type: "round", event }),
    },
    {
      coordinator,
      network,
      blobs,
      engine,
      data,
      tensors: plan.tensors,
      signer: identity.peer,
      reveals: identity,
      clock: systemClock(),
      checkpoints: null,
    },
  );
  round.start();
  tell({ type: "joined", peerId: toHex(identity.peer.publicKey), runId: info.runId });
  return {
    leave: async () => {
      await round.stop();
      blobs.stop();
      await coordinator.close();
      await network.stop();
      device.dispose();
    },
  };
}
