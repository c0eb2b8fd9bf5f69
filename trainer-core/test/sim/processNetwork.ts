/** The network as one simulated process meets it: nothing arrives while it is stopped, and its line may be bad. */
import { NetworkError } from "@starling/network/errors";
import type { MemoryNetwork } from "@starling/network/memory";
import type { PeerNetwork } from "@starling/network/port";
import type { SimulatedProcess } from "./process.ts";

/** May be changed at any time; holds for what is sent afterwards. */
export interface Line {
  /** added to everything this process sends or answers, ms */
  slowMs: number;
  /** probability that a request of this process fails, half of them after they were served */
  failRequests: number;
}

export function processNetwork(network: MemoryNetwork, process: SimulatedProcess, line: Line, random: () => number): PeerNetwork {
  const wait = (): Promise<void> =>
    line.slowMs === 0 ? Promise.resolve() : new Promise((resolve) => process.scheduler.schedule(line.slowMs, resolve));
  const failed = (): NetworkError => new NetworkError("unreachable", "the line broke");

  const publish: PeerNetwork["publish"] = async (topic, data) => {
    const copy = data.slice();
    await wait();
    await network.publish(topic, copy);
  };
  const request: PeerNetwork["request"] = async (peer, protocol, bytes, options) => {
    const chance = line.failRequests === 0 ? 1 : random() / line.failRequests;
    await wait();
    if (chance < 0.5) throw failed();
    const answer = await process.pass(network.request(peer, protocol, bytes, options));
    if (chance < 1) throw failed();
    return answer;
  };
  const subscribe: PeerNetwork["subscribe"] = (topic, handler) =>
    network.subscribe(topic, (from, data) => process.run(() => handler(from, data)));
  const handle: PeerNetwork["handle"] = (protocol, limits, handler) =>
    network.handle(protocol, limits, async (from, bytes, signal) => {
      await process.pass(Promise.resolve());
      const answer = await process.pass(handler(from, bytes, signal));
      await wait();
      return answer;
    });

  const own: Partial<PeerNetwork> = { publish, request, subscribe, handle };
  return new Proxy<PeerNetwork>(network, {
    get(target, property) {
      if (Object.hasOwn(own, property)) return own[property as keyof PeerNetwork];
      const value = Reflect.get(target, property, target) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
