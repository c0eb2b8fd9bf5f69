/** The compliance tests for adapters of a `CoordinatorCore`: those that serve one of this process, by whatever transport. */
import { expect } from "vitest";
import { coordinatorCompliance } from "./compliance.ts";
import { CoordinatorCore } from "./core.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import type { CoordinatorPort, WitnessReport } from "./types.ts";
import { readWitnessMetadata, type WitnessMetadata } from "./witnessMetadata.ts";

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
      const reports: { slot: number; report: WitnessReport }[] = [];
      const core = new CoordinatorCore({
        machine: Machine.create(runId, config, BigInt(Date.now())),
        configToml,
        tickIntervalMs: 10,
        disconnectGraceMs: GRACE_MS,
        onWitness: (slot, report) => reports.push({ slot, report }),
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
        async said(step) {
          const said: (WitnessMetadata | null)[] = [];
          for (const { slot, report } of reports) {
            if (report.step !== step) continue;
            expect(report.bloom).toEqual(new Uint8Array(512).fill(step));
            said[slot] = readWitnessMetadata(report.metadata);
          }
          return said;
        },
        async stop() {
          await served.stop();
          core.stop();
          expect(errors).toEqual([]);
        },
      };
    },
  });
}
