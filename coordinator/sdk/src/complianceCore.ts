/** The compliance tests for adapters of a `CoordinatorCore`: those that serve one of this process, by whatever transport. */
import { expect } from "vitest";
import { coordinatorCompliance } from "./compliance.ts";
import { CoordinatorCore } from "./core.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import type { CoordinatorPort } from "./types.ts";

const GRACE_MS = 60;

export interface ServedCore {
  /** Connects one client as that identity. */
  connect(identity: Identity): Promise<CoordinatorPort>;
  stop(): Promise<void>;
}

/** Makes a core reachable; the owner of `admin` may pause and resume. */
export type ServeCore = (core: CoordinatorCore, admin: Identity) => Promise<ServedCore>;

export function coreCompliance(adapter: string, serve: ServeCore): void {
  const admin = Identity.generate({ chainLength: 8 });
  coordinatorCompliance(adapter, {
    noticesLoss: true,
    async begin({ runId, configToml, config }) {
      const errors: unknown[] = [];
      const core = new CoordinatorCore({
        machine: Machine.create(runId, config, BigInt(Date.now())),
        configToml,
        tickIntervalMs: 10,
        disconnectGraceMs: GRACE_MS,
        onError: (error) => errors.push(error),
      });
      core.start();
      const served = await serve(core, admin);
      let administrator: CoordinatorPort | null = null;
      return {
        connect: (identity) => served.connect(identity),
        async setPaused(paused) {
          administrator ??= await served.connect(admin);
          await administrator.setPaused(paused);
        },
        snapshot: async () => core.snapshot(),
        async stop() {
          await served.stop();
          core.stop();
          expect(errors).toEqual([]);
        },
      };
    },
  });
}
