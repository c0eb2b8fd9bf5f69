/** What the trainer Worker is asked, from the page's configuration and the keys this browser keeps. */
import type { RuntimeConfig, Source } from "../lib/runtimeConfig.ts";
import { DEFAULT_LIMITS } from "../worker/protocol.ts";
import { identityKey, ownerIn, type IdentityRecord } from "../worker/store/identityStore.ts";
import type { StartRequest } from "./training.ts";
import { MICRO_BATCH_SEQUENCES } from "./useNeed.ts";

/** What identities are filed under: a cluster's name, or the address of a coordinator, whose index may change. */
export function placeOf(source: Source): string {
  return source.kind === "chain" ? source.name : source.coordinator.address;
}

/** `owner`: the wallet's address, "" without one. */
export function identityOf(source: Source, runId: string, owner: string): string {
  return identityKey(placeOf(source), runId, owner);
}

export function startRequest(config: RuntimeConfig, source: Source, runId: string, record: IdentityRecord): StartRequest {
  const urls = config.dataUrls?.[runId] ?? [];
  return {
    identity: record.key,
    source:
      source.kind === "tcp"
        ? { kind: "tcp", address: source.coordinator.address }
        : {
            kind: "chain",
            runId,
            owner: ownerIn(record.key),
            rpcUrls: source.cluster.rpcUrls,
            wsUrls: source.cluster.wsUrls,
            ...(source.cluster.programs && { programs: source.cluster.programs }),
            ...(record.authorizer !== null && { authorizer: record.authorizer }),
          },
    dataUrls: urls.map((url) => new URL(url, document.baseURI).href),
    iceServers: config.iceServers ?? [],
    limits: record.limits ?? DEFAULT_LIMITS,
    microBatchSequences: MICRO_BATCH_SEQUENCES,
  };
}
