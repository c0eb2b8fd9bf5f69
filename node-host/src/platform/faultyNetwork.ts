/** A network that loses and delays what it sends, as --fault-packet-loss and --fault-latency-ms ask: to see what a run does then. */
import type { PeerNetwork } from "@starling/network";
import { seededRandom } from "@starling/network/random";

export interface NetworkFaults {
  /** `BASE` or `BASE-JITTER`, ms */
  latencyMs: string | undefined;
  /** share of gossip messages lost */
  loss: number;
  seed: number;
}

export function faultyNetwork(network: PeerNetwork, { latencyMs, loss, seed }: NetworkFaults): PeerNetwork {
  if (latencyMs === undefined && loss === 0) return network;
  const [base = 0, jitter = 0] = (latencyMs ?? "0").split("-").map(Number);
  const random = seededRandom(seed);
  const delay = () => new Promise<void>((resolve) => setTimeout(resolve, base + jitter * random()));
  const wrapped: Pick<PeerNetwork, "publish" | "request"> = {
    publish: async (topic, data) => {
      if (random() < loss) return;
      await delay();
      await network.publish(topic, data);
    },
    request: async (...args) => {
      await delay();
      return network.request(...args);
    },
  };
  return new Proxy(network, {
    get(target, key) {
      if (key === "publish" || key === "request") return wrapped[key];
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
