import { CoordinatorError, WIRE_ERROR_CODES } from "./errors.ts";
import { MAX_MULTIADDR_CHARS, MAX_MULTIADDRS } from "./members.ts";
import { METADATA_LIMITS } from "./witnessMetadata.ts";
import { boolean, bytes, bytesUpTo, decodeAs, encodeAs, list, nullable, oneOf, struct, text, u16, u32, u64, type ValueOf } from "./wire.ts";

/** What a run is: answered to anyone, unsigned, since it is where a client learns the run's id. */
export const RUN_INFO_PROTOCOL = "/starling/coordinator-run/1";
/** Every call that changes something: a signed envelope (`sealRequest`) whose body is one of `CALLS`. */
export const CALL_PROTOCOL = "/starling/coordinator/2";
/** Snapshots, pushed (`snapshotFrames.ts`); the request is a signed envelope too, so that a session's connection is known to be its own. */
export const STATE_PROTOCOL = "/starling/coordinator-state/2";

/** The audience of the envelopes, with the run's id. */
export const CALL_DOMAIN = "starling/coordinator/1";
export const SUBSCRIBE_METHOD = "subscribe";

export const MAX_CONFIG_CHARS = 256 * 1024;
export const MAX_CALL_BYTES = 16 * 1024;
export const MAX_CALL_RESPONSE_BYTES = 4 * 1024;
/** UTF-8 takes at most three bytes a UTF-16 unit */
export const MAX_RUN_INFO_BYTES = 3 * MAX_CONFIG_CHARS + 1024;
const MAX_RUN_ID_CHARS = 32;
const BLOOM_BYTES = 512;

const key = bytes(32);

export const RUN_INFO = struct({ runId: text(MAX_RUN_ID_CHARS), configToml: text(MAX_CONFIG_CHARS) });

const GRANT = struct({
  owner: key,
  session: key,
  peerId: key,
  runId: text(MAX_RUN_ID_CHARS),
  expiresMs: u64,
  signature: bytes(64),
});

/** The body of each method of `CALL_PROTOCOL`. */
export const CALLS = {
  join: struct({ grant: GRANT, chainHead: key, multiaddrs: list(text(MAX_MULTIADDR_CHARS), MAX_MULTIADDRS) }),
  leave: struct({}),
  warmupWitness: struct({}),
  witness: struct({
    ...{ step: u32, bitmap: key, listRoot: key, reveal: key, parameterHash: key },
    ...{ bloom: nullable(bytes(BLOOM_BYTES)), metadata: nullable(bytesUpTo(METADATA_LIMITS.bytes)) },
  }),
  downloaded: struct({ step: u32, listsHeld: u32 }),
  healthCheck: struct({ clientIndexes: list(u16, 256) }),
  reportEquivocation: struct({ clientIndex: u16 }),
  setPaused: struct({ paused: boolean, grant: GRANT }),
};
export type CallName = keyof typeof CALLS;
export type CallBody<N extends CallName> = ValueOf<(typeof CALLS)[N]>;

/** `peerId` is the subscriber's own: a captured subscription is of no use over another connection. */
export const SUBSCRIBE = struct({ peerId: key });

/** What a call answers: null, or why it was refused. */
const CALL_RESPONSE = struct({
  error: nullable(struct({ code: oneOf(WIRE_ERROR_CODES), machineCode: nullable(text(64)), message: text(512) })),
});

export function encodeCallResponse(error: CoordinatorError | null): Uint8Array {
  return encodeAs(CALL_RESPONSE, {
    error: error && {
      code: WIRE_ERROR_CODES.includes(error.code) ? error.code : "internal",
      machineCode: error.machineCode,
      message: error.message.slice(0, 512),
    },
  });
}

/** Returns when the call succeeded. @throws CoordinatorError what the coordinator refused with, or `malformed` */
export function readCallResponse(response: Uint8Array): void {
  const { error } = decodeAs(CALL_RESPONSE, response, "the coordinator's answer");
  if (error === null) return;
  // that one is stopping; one that is started in its place may take the call
  if (error.code === "closed") throw new CoordinatorError("unreachable", `the coordinator is stopping: ${error.message}`);
  throw new CoordinatorError(error.code, error.message, { machineCode: error.machineCode });
}
