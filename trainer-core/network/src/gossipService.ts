/** gossipsub as members use it, and what it learns its peers by. Who only asks (a spectator's page) does without, and without the bytes. */
import { type GossipSub, gossipsub, TopicValidatorResult } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import { ping } from "@libp2p/ping";
import { fastMessageId } from "./gossipGuard.ts";
import { gossipLimits } from "./limits.ts";

export interface GossipService {
  create: ReturnType<typeof gossipsub>;
  /** what each side speaks: gossipsub and relays find their peers by it */
  identify: ReturnType<typeof identify>;
  ping: ReturnType<typeof ping>;
  /** what a topic's validator answers */
  verdict(isAccepted: boolean): TopicValidatorResult;
}

export type { GossipSub };

export function gossipService(): GossipService {
  return {
    create: gossipsub({
      globalSignaturePolicy: "StrictSign",
      // Our own messages go to every subscribed peer at once: small meshes must not wait for a heartbeat.
      floodPublish: true,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      doPX: false,
      fastMsgIdFn: fastMessageId,
      maxInboundDataLength: gossipLimits.rpcBytes.value,
      maxTopicBytesPerPeer: gossipLimits.topicBytesPerPeer.value,
      maxOutboundBufferSize: gossipLimits.outboundBufferBytes.value,
      gossipsubIWantFollowupMs: 15_000,
      scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: -1 },
    }),
    identify: identify(),
    ping: ping(),
    // Ignore, not reject: the relaying peer may know of a member that we have not heard of yet.
    verdict: (isAccepted) => (isAccepted ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore),
  };
}
