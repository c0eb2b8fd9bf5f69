import { parseRunConfig, toMachineConfig } from "@starling/config";
import { CoordinatorError, Identity, NEVER_EXPIRES, parseIdentity, serializeIdentity, signGrant } from "@starling/sdk";
import { Machine, MachineError } from "@starling/sdk/machine";
import * as protocol from "@starling/sdk/protocol";
import { decodeHistory, encodeHistory, HISTORY_REQUEST } from "@starling/sdk/roundHistory";
import { encodeFrame, FrameReader } from "@starling/sdk/snapshotFrames";
import type { Snapshot } from "@starling/sdk/types";
import { decodeAs, encodeAs, type Shape } from "@starling/sdk/wire";
import { decodeWitnessMetadata, encodeWitnessMetadata, type WitnessMetadata } from "@starling/sdk/witnessMetadata";
import { ServerError } from "@starling/server/errors";
import { decodeSavedState, encodeSavedState } from "@starling/server/savedState";
import { readFileSync } from "node:fs";
import { expectSame, filled, text, utf8, type FuzzTarget } from "../target.ts";

const isRefusal = (error: unknown): boolean => error instanceof CoordinatorError;

/** CBOR of one shape; two encodings of one value are fine, two values of one encoding are not. */
function shapeTarget<T>(name: string, shape: Shape<T>, values: () => T[] | Promise<T[]>): FuzzTarget {
  return {
    name,
    isRefusal,
    decode(bytes) {
      const value = decodeAs(shape, bytes, name);
      expectSame(decodeAs(shape, encodeAs(shape, value), name), value, name);
      return true;
    },
    valid: async () => (await values()).map((value) => encodeAs(shape, value)),
  };
}

const identity = new Identity(
  { ownerSeed: filled(32, 1), sessionSeed: filled(32, 2), peerSeed: filled(32, 3), chainsBegun: 1 },
  { chainLength: 8 },
);
const grant = () =>
  signGrant(identity.owner, { session: identity.session.publicKey, peerId: identity.peer.publicKey, runId: "fuzz", expiresMs: 1n << 41n });
const preset = readFileSync(new URL("../../../config/runs/test/config.toml", import.meta.url), "utf8");

const said: WitnessMetadata = {
  ...{ loss: 2.5, tokensPerSecond: 1_000, bandwidthBytesPerSecond: 500, efficiency: 0.5 },
  ...{
    sampleText: "Käse",
    evals: [
      ["arc", 0.25],
      ["hellaswag", 0.5],
    ],
  },
};

/** Machines in several phases. */
function machines(): Machine[] {
  const config = toMachineConfig(parseRunConfig(preset, { source: "preset" }));
  const fresh = Machine.create("fuzz", config, 1_000_000n);
  const started = Machine.load(fresh.bytes());
  started.start(1_000_001n);
  const warming = Machine.load(started.bytes());
  for (const n of [1, 2, 3]) {
    const keys = { owner: filled(32, n), session: filled(32, n + 10), peerId: filled(32, n + 20) };
    warming.join({ ...keys, chainHead: filled(32, n + 30), expiresMs: NEVER_EXPIRES }, 1_000_001n);
  }
  for (let i = 1; i < 4; i++) {
    warming.tick(1_000_001n + BigInt(i) * 700n, filled(32, i));
  }
  return [fresh, started, warming];
}

function snapshots(): Snapshot[] {
  return machines().map((machine, i) => ({
    nonce: BigInt(i),
    bytes: machine.bytes(),
    coordinatorNowMs: 1_000_000n,
    members: [{ peerId: filled(32), multiaddrs: [`/ip4/127.0.0.1/tcp/${4000 + (i >> 1)}`] }],
  }));
}

/** first byte of a frame that holds a change */
const CHANGE_FRAME = 2;
let firstFrame: Promise<Uint8Array> | undefined;

export const coordinatorTargets: FuzzTarget[] = [
  shapeTarget("call-join", protocol.CALLS.join, async () => [
    { grant: await grant(), chainHead: filled(32), multiaddrs: [] },
    { grant: await grant(), chainHead: filled(32), multiaddrs: ["/ip4/127.0.0.1/tcp/4001", "/dns4/rig/tcp/1/ws"] },
  ]),
  shapeTarget("call-witness", protocol.CALLS.witness, () => {
    const report = { step: 5, bitmap: filled(32), listRoot: filled(32, 2), reveal: filled(32, 3), parameterHash: filled(32, 4) };
    const [bloom, metadata] = [filled(512), encodeWitnessMetadata(said)];
    return [
      { ...report, bloom: null, metadata: null },
      { ...report, bloom, metadata },
    ];
  }),
  {
    name: "witness-metadata",
    isRefusal,
    decode(bytes) {
      const metadata = decodeWitnessMetadata(bytes);
      expectSame(decodeWitnessMetadata(encodeWitnessMetadata(metadata)), metadata, "metadata");
      return true;
    },
    valid: () => [encodeWitnessMetadata(said), encodeWitnessMetadata({ ...said, loss: null, sampleText: null, evals: [] })],
  },
  {
    name: "history",
    isRefusal,
    decode(bytes) {
      expectSame(decodeHistory(encodeHistory(decodeHistory(bytes, 20)), 20), decodeHistory(bytes, 20), "history");
      return true;
    },
    valid: () => {
      const entry = { step: 1, epoch: 0, atMs: 1_700_000_000_000, batchSize: 8, witnesses: 3, loss: 2.5, tokensPerSecond: 1_000 };
      return [encodeHistory([entry]), encodeHistory([entry, { ...entry, step: 7, loss: null }]), new Uint8Array(0)];
    },
  },
  shapeTarget("history-request", HISTORY_REQUEST, () => [{ fromStep: 1, limit: 2_000 }]),
  shapeTarget("call-health-check", protocol.CALLS.healthCheck, () => [{ clientIndexes: [0, 3, 255] }, { clientIndexes: [] }]),
  shapeTarget("call-set-paused", protocol.CALLS.setPaused, async () => [{ paused: true, grant: await grant() }]),
  shapeTarget("subscribe", protocol.SUBSCRIBE, () => [{ peerId: filled(32) }]),
  shapeTarget("run-info", protocol.RUN_INFO, () => [{ runId: "fuzz", configToml: preset }]),
  {
    name: "call-response",
    isRefusal,
    decode(bytes) {
      try {
        protocol.readCallResponse(bytes);
      } catch (error) {
        // an answer that says no is an answer
        if (!(error instanceof CoordinatorError) || error.code === "malformed") throw error;
      }
      return true;
    },
    valid: () => [protocol.encodeCallResponse(null), protocol.encodeCallResponse(new CoordinatorError("overloaded", "later"))],
  },
  {
    name: "snapshot-frame",
    isRefusal,
    async decode(bytes) {
      const reader = new FrameReader();
      // a change leads on from what came before it; a whole snapshot needs nothing
      if (bytes[0] === CHANGE_FRAME) await reader.read(await (firstFrame ??= encodeFrame(snapshots()[0], null)));
      const snapshot = await reader.read(bytes);
      expectSame(await new FrameReader().read(await encodeFrame(snapshot, null)), snapshot, "snapshot");
      return true;
    },
    valid: () => {
      const all = snapshots();
      const [first, ...others] = all;
      return Promise.all([...all.map((one) => encodeFrame(one, null)), ...others.map((one) => encodeFrame(one, first))]);
    },
  },
  {
    name: "machine",
    isRefusal: (error) => error instanceof MachineError,
    // What loads must also be readable, and may be refused a tick, but not more.
    decode(bytes) {
      const machine = Machine.load(bytes);
      machine.state();
      expectSame(Machine.load(machine.bytes()).state(), machine.state(), "machine");
      const clock = machine.state().runStateStartedMs + 60_000n;
      try {
        if (clock < 1n << 60n) machine.tick(clock, filled(32));
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
      }
      machine.state();
      return true;
    },
    valid: () => machines().map((machine) => machine.bytes()),
  },
  {
    name: "server-state",
    isRefusal: (error) => error instanceof ServerError,
    decode(bytes) {
      const { machine, restored, configHash } = decodeSavedState(bytes);
      const again = decodeSavedState(encodeSavedState({ ...restored, bytes: machine.bytes() }, configHash));
      expectSame(again.restored, restored, "server state");
      return true;
    },
    valid: () => {
      const [, , warming] = machines();
      const member = { ...identity.membership(), multiaddrs: ["/ip4/127.0.0.1/tcp/4001"], expiresMs: 1n << 41n };
      const saved = { bytes: warming.bytes(), nonce: 7n, runNowMs: 1_000_000n, members: [member], ejectedOwners: [filled(32)] };
      return [encodeSavedState(saved, filled(32, 9))];
    },
  },
  {
    name: "identity-file",
    isRefusal,
    decode(bytes) {
      const secrets = parseIdentity(text(bytes));
      expectSame(parseIdentity(serializeIdentity(secrets)), secrets, "identity");
      return true;
    },
    valid: () => [utf8(serializeIdentity(identity.secrets()))],
  },
];
