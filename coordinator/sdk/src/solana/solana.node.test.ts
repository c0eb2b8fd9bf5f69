import { getBase58Encoder } from "@solana/kit";
import { expect } from "vitest";
import { coordinatorCompliance } from "../compliance.ts";
import type { Identity } from "../identity.ts";
import type { CoordinatorPort, Snapshot } from "../types.ts";
import type { WitnessMetadata } from "../witnessMetadata.ts";
import { readRun } from "./accounts.ts";
import { connectSolanaCoordinator, type SolanaCoordinator } from "./solanaCoordinator.ts";
import { assembleState } from "./stateAccounts.ts";
import { decodeWitnessInstruction } from "./witnessInstruction.ts";
import { TestCluster } from "./testCluster.node.ts";

coordinatorCompliance("solana", {
  noticesLoss: false,
  isSlow: true,
  config: { cooldownMs: 1000n, waitingForMembersExtraMs: 1000n },
  async begin({ runId, configToml, config }) {
    const cluster = TestCluster.start();
    const authority = await cluster.funded();
    const at = await cluster.createRun(authority, runId, configToml, config);
    await cluster.setPaused(at, authority, false);
    const ports: SolanaCoordinator[] = [];
    return {
      async connect(identity: Identity): Promise<CoordinatorPort> {
        const session = await cluster.openSession(at, identity);
        const port = await connectSolanaCoordinator({ client: cluster.client, runId, session });
        ports.push(port);
        return port;
      },
      setPaused: (paused) => cluster.setPaused(at, authority, paused),
      async snapshot(): Promise<Snapshot> {
        const { accounts } = await cluster.client.accounts([at.run, ...at.tables, ...at.rounds]);
        const { header } = (await readRun(cluster.client, at))!;
        const machine = assembleState(at.programs, header.machine, accounts.slice(1, 3), accounts.slice(3));
        const state = machine.state();
        const present = [...state.pending, ...state.clients.filter((one) => one.state === "Healthy")];
        const members = new Map(present.map(({ session, peerId }) => [session.join(), { peerId, multiaddrs: [] }]));
        return { nonce: header.nonce, bytes: machine.bytes(), coordinatorNowMs: BigInt(Date.now()), members: [...members.values()] };
      },
      async said(step) {
        const { pool } = cluster.client;
        const named = (await pool.call("getSignaturesForAddress", [at.run, { commitment: "confirmed" }])) as {
          signature: string;
          err: unknown;
        }[];
        const said: (WitnessMetadata | null)[] = [];
        for (const { signature, err } of named) {
          if (err !== null) continue;
          const config = { commitment: "confirmed", encoding: "json", maxSupportedTransactionVersion: 0 };
          const found = (await pool.call("getTransaction", [signature, config])) as {
            transaction: { message: { instructions: { data: string }[] } };
          };
          for (const { data } of found.transaction.message.instructions) {
            const round = decodeWitnessInstruction(new Uint8Array(getBase58Encoder().encode(data)));
            if (round?.step !== step) continue;
            expect(round.bloom).toEqual(new Uint8Array(512).fill(step));
            said[round.slot] = round.metadata;
          }
        }
        return said;
      },
      async stop() {
        await Promise.all(ports.map((port) => port.close()));
        await cluster.stop();
      },
    };
  },
});
