/**
 * One run on two drivers that share no code: SwiftShader in f32 without barriers, and Mesa's lavapipe with tensor cores, in halves. Their
 * gradients differ; what they agree on is the same to the last bit, as applying a round takes no arithmetic in which drivers may differ.
 */
import { afterEach, expect, it } from "vitest";
import { isReady, lavapipeEnvironment } from "./src/lavapipe.ts";
import { LiveRun } from "./src/liveRun.ts";

/** on two cores that others use too; a stop for a run that hangs */
const LIMIT_MS = 400_000;
const ROUNDS = 8;

let run: LiveRun | null = null;
afterEach(() => run?.stop());

it(
  "members on different drivers, kernels and precisions hold the same parameters after every round",
  { timeout: 2 * LIMIT_MS },
  async (context) => {
    if (!isReady()) return context.skip("no driver with tensor cores is ready here: npm run lavapipe");
    const { STARLING_NODE: node, VK_DRIVER_FILES: driver } = lavapipeEnvironment();
    const place = (name: string, [own, ...rest]: string[]) => ({
      command: name === "client-1" || name === "server" ? [own, ...rest] : ["env", `VK_DRIVER_FILES=${driver}`, node, ...rest],
      host: "127.0.0.1",
    });
    run = new LiveRun({ clients: 3, config: {}, place });
    await run.startServer();
    run.startClient(1);
    run.startClient(2, ["--kernel-profile", "tensor", "--precision", "f16"], "gpu");
    run.startClient(3, ["--kernel-profile", "gpu", "--precision", "packed-f16"], "gpu");
    const { clients } = run;
    const trained = () => clients.map((client) => client.told("trained").filter(({ loss }) => loss !== null).length);
    await run.until(`all have trained ${ROUNDS} rounds`, LIMIT_MS, () => Math.min(...trained()) >= ROUNDS);
    await run.until(`${ROUNDS} rounds of equal hashes`, LIMIT_MS, () => run!.equalSteps().steps.length >= ROUNDS);
    expect(run.equalSteps().different).toEqual([]);
    const engines = clients.flatMap((client) => client.of("engine").slice(0, 1));
    expect(engines.map((engine) => engine["adapter"])).toEqual(
      [/SwiftShader/, /llvmpipe/, /llvmpipe/].map((name) => expect.stringMatching(name)),
    );
    expect(engines.map((engine) => engine["profile"])).toEqual(["software", "tensor", "gpu"]);
    expect(engines.map((engine) => (engine["precision"] as { precision: string }).precision)).toEqual(["f32", "f16", "packed-f16"]);
    const losses = clients.map((client) => client.told("trained").flatMap(({ loss }) => loss ?? []));
    for (const own of losses) expect(own.at(-1)!).toBeLessThan(own[0]!);
  },
);
