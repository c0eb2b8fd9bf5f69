/** What others may ask of a client: announcements, lists, records and where the model is, from what its state holds. */
import type { PeerNetwork } from "@starling/network/port";
import { toHex } from "@starling/sdk/bytes";
import {
  announceProtocol,
  announceRequest,
  announceResponse,
  listProtocol,
  listRequest,
  listResponse,
  modelProtocol,
  modelRequest,
  modelResponse,
  recordProtocol,
  recordRequest,
  recordResponse,
} from "../protocol/messages.ts";
import type { ModelTensor } from "../checkpoint/modelTensors.ts";
import { recordOf } from "./records.ts";
import type { Candidate, RoundState } from "./states.ts";

/** Registers the request handlers. Returns the undo. `tensors`: of the model, by ascending name. */
export function serveRounds(network: PeerNetwork, tensors: readonly ModelTensor[], stateOf: () => RoundState): () => void {
  const undo = [
    network.handle(announceProtocol, limitsOf(announceRequest, announceResponse), async (_from, request) =>
      announceResponse.encode(findAnnounce(stateOf(), announceRequest.decode(request))?.announce ?? null),
    ),
    network.handle(listProtocol, limitsOf(listRequest, listResponse), async (_from, request) => {
      const { runId, step, root } = listRequest.decode(request);
      const round = runId === stateOf().rules.runId ? stateOf().rounds.get(step) : undefined;
      return listResponse.encode(round?.lists.get(toHex(root))?.list ?? null);
    }),
    network.handle(modelProtocol, limitsOf(modelRequest, modelResponse), async (_from, request) => {
      const { runId, parameterHash } = modelRequest.decode(request);
      const { rules, model } = stateOf();
      if (runId !== rules.runId || model === null || model.hash !== toHex(parameterHash)) return modelResponse.encode(null);
      const { leaves, tensors: blobs } = model.blobs;
      return modelResponse.encode({ leaves, tensors: tensors.map(({ name }, i) => ({ name, blob: blobs[i] })) });
    }),
    network.handle(recordProtocol, limitsOf(recordRequest, recordResponse), async (_from, request) => {
      const { runId, epoch, step } = recordRequest.decode(request);
      const round = runId === stateOf().rules.runId ? stateOf().rounds.get(step) : undefined;
      return recordResponse.encode(round?.final === true && round.epoch.number === epoch ? recordOf(round) : null);
    }),
  ];
  return () => undo.forEach((each) => each());
}

function limitsOf(request: { maxBytes: number }, response: { maxBytes: number }) {
  return { maxRequestBytes: request.maxBytes, maxResponseBytes: response.maxBytes };
}

type AnnounceRequest = ReturnType<typeof announceRequest.decode>;

/** The one asked for; or, if any will do, one whose payload is here before one whose payload is not. */
function findAnnounce(state: RoundState, { runId, step, batch, commitment }: AnnounceRequest): Candidate | undefined {
  if (runId !== state.rules.runId) return undefined;
  const wanted = commitment === null ? null : toHex(commitment);
  const candidates = (state.rounds.get(step)?.batches.get(batch)?.candidates ?? []).filter(
    (candidate) => !candidate.bad && (wanted === null || candidate.commitment === wanted),
  );
  return candidates.find(({ held }) => held) ?? candidates[0];
}
