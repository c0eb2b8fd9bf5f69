/** A daemon's or coordinator's part in bringing tabs together: it carries their signalling (docs/limits.md). */
import { circuitRelayServer } from "@libp2p/circuit-relay-v2";
import { relayLimits } from "./limits.ts";

export type RelayService = ReturnType<typeof circuitRelayServer>;

export function relayService(): RelayService {
  return circuitRelayServer({
    maxInboundHopStreams: relayLimits.relayedAtOnce.value,
    maxOutboundHopStreams: relayLimits.relayedAtOnce.value,
    maxOutboundStopStreams: relayLimits.relayedAtOnce.value,
    reservations: {
      maxReservations: relayLimits.reservations.value,
      reservationTtl: relayLimits.reservationMs.value,
      defaultDurationLimit: relayLimits.relayedMs.value,
      defaultDataLimit: BigInt(relayLimits.relayedBytes.value),
    },
  });
}
