/** Peers and coordinator behind 200 ms of delay and 2 % of lost packets, in network namespaces: the run goes on, with equal hashes. */
import { describe, expect, it } from "vitest";
import { LiveRun, median } from "./src/liveRun.ts";
import { slowNetwork, whyNoNamespaces } from "./src/netns.ts";

const CLIENTS = 3;
const EPOCHS = 2;
const MAX_ROUND_TRAIN_S = 30;
const LIMIT_MS = 200_000;

describe("a run over slow and lossy lines", () => {
  const why = whyNoNamespaces();
  it.skipIf(why !== null)(
    `agrees on ${EPOCHS} epochs with 200 ms there and back and 2 % loss${why === null ? "" : ` (${why})`}`,
    { timeout: LIMIT_MS + 30_000 },
    async () => {
      const network = await slowNetwork({ nodes: CLIENTS + 1, delayMs: 100, loss: 0.02, seed: 7 });
      const run = new LiveRun({
        clients: CLIENTS,
        config: {
          rounds_per_epoch: 5,
          max_round_train_time: MAX_ROUND_TRAIN_S,
          round_witness_time: MAX_ROUND_TRAIN_S,
          warmup_time: 60,
          init_min_clients: 3,
        },
        place: (name, command) => network.place(name === "server" ? CLIENTS : Number(name.slice("client-".length)) - 1, command),
      });
      try {
        await run.start();
        const last = (epoch: number) => run.clients.every((client) => client.told("epochModel").some((line) => line.epoch === epoch));
        await run.until("an epoch is agreed by all", LIMIT_MS, () => last(EPOCHS - 1));
        for (let epoch = 0; epoch < EPOCHS; epoch++) {
          const ms = [...run.roundMs(epoch).values()];
          console.log(`epoch ${epoch}: rounds of ${ms.join(", ")} ms, median ${median(ms)} ms`);
          for (const each of ms) expect(each).toBeLessThan(MAX_ROUND_TRAIN_S * 900);
        }
        const { steps, different } = run.equalSteps();
        expect(different).toEqual([]);
        expect(steps.length).toBeGreaterThanOrEqual(5 * EPOCHS);
        for (const client of run.clients) expect(client.told("stranded").map(({ reason }) => reason)).toEqual([]);
      } finally {
        await run.stop();
        const carried = await network.stop();
        console.log(`packets: ${JSON.stringify(carried)}`);
        expect(carried.lost / (carried.lost + carried.carried)).toBeGreaterThan(0.01);
      }
    },
  );
});
