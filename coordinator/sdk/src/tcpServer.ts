import type { PeerNetwork, Push } from "@starling/network";
import { TokenBuckets } from "@starling/network/tokenBucket";
import { toHex } from "./bytes.ts";
import { CallServer } from "./callServer.ts";
import type { CoordinatorCore } from "./core.ts";
import { CoordinatorError } from "./errors.ts";
import { nameMembers } from "./nameMembers.ts";
import {
  CALL_PROTOCOL,
  encodeCallResponse,
  MAX_CALL_BYTES,
  MAX_CALL_RESPONSE_BYTES,
  MAX_RUN_INFO_BYTES,
  RUN_INFO,
  RUN_INFO_PROTOCOL,
  STATE_PROTOCOL,
} from "./protocol.ts";
import {
  encodeHistory,
  HISTORY_PROTOCOL,
  type HistoryEntry,
  MAX_HISTORY_BYTES,
  MAX_HISTORY_REQUEST_BYTES,
  readHistoryRequest,
} from "./roundHistory.ts";
import { encodeShown, MAX_SHOWN_BYTES, type Shown, SHOWN_PROTOCOL } from "./shown.ts";
import { encodeFrame } from "./snapshotFrames.ts";
import type { Snapshot } from "./types.ts";
import { encodeAs } from "./wire.ts";

/** Connections that watch the run, members and spectators together. */
export const MAX_SUBSCRIBERS = 2048;
/** Of one peer: while it reconnects, the coordinator may not know yet that the connection before is dead. */
export const MAX_SUBSCRIPTIONS_PER_PEER = 4;
/** Requests for the history, of one peer: a page that opens makes ten at most. */
export const HISTORY_RATE = { perSecond: 2, burst: 32 };
/** A frame older than this is made anew, so that `coordinatorNowMs` tells a late subscriber the right time. */
const FRAME_MAX_AGE_MS = 200;

export interface ServeOptions {
  core: CoordinatorCore;
  /** created with `allowAll`: who is a member is decided here */
  network: PeerNetwork;
  /** owners (32) that may pause and resume the run */
  admins?: readonly Uint8Array[];
  /** resolves once the present phase cannot be forgotten by a crash; nobody is told of it before. Default: at once */
  settled?: () => Promise<void>;
  /** the rounds of that step and later ones, oldest first, at most `limit`; default: none are remembered */
  history?: (fromStep: number, limit: number) => readonly HistoryEntry[];
  /** what witnesses showed last; default: nothing */
  shown?: () => Shown | null;
}

/** Serves a core over a network. Returns the undo. */
export function serveCoordinator(options: ServeOptions): () => void {
  const { core, network, admins = [], settled = () => Promise.resolve(), history = () => [], shown = () => null } = options;
  const readers = new TokenBuckets(HISTORY_RATE);
  const lookers = new TokenBuckets(HISTORY_RATE);
  const calls = new CallServer(core, admins);
  const frames = new FrameCache(core);
  const places = new Places();
  // it does not change, and anyone may ask for it
  const runInfo = encodeAs(RUN_INFO, core.runInfo());
  const undo = [
    nameMembers(core, network),
    network.handle(RUN_INFO_PROTOCOL, { maxRequestBytes: 0, maxResponseBytes: MAX_RUN_INFO_BYTES }, async () => runInfo),
    network.handle(CALL_PROTOCOL, { maxRequestBytes: MAX_CALL_BYTES, maxResponseBytes: MAX_CALL_RESPONSE_BYTES }, async (from, request) =>
      encodeCallResponse(calls.answer(from, request)),
    ),
    network.handle(
      HISTORY_PROTOCOL,
      { maxRequestBytes: MAX_HISTORY_REQUEST_BYTES, maxResponseBytes: MAX_HISTORY_BYTES },
      async (from, request) => {
        if (!readers.take(toHex(from), 1, core.clock.nowMs())) {
          throw new CoordinatorError("overloaded", `this peer asked for the history more than ${HISTORY_RATE.perSecond} times a second`);
        }
        const { fromStep, limit } = readHistoryRequest(request);
        return encodeHistory(history(fromStep, limit));
      },
    ),
    network.handle(SHOWN_PROTOCOL, { maxRequestBytes: 0, maxResponseBytes: MAX_SHOWN_BYTES }, async (from) => {
      if (!lookers.take(toHex(from), 1, core.clock.nowMs())) {
        throw new CoordinatorError("overloaded", `this peer asked what is shown more than ${HISTORY_RATE.perSecond} times a second`);
      }
      return encodeShown(shown());
    }),
    network.handleSubscription(STATE_PROTOCOL, { maxRequestBytes: MAX_CALL_BYTES }, async (from, request, push, signal) => {
      const leavePlace = places.take(toHex(from));
      try {
        const detach = core.attach(calls.openSubscription(from, request));
        try {
          await pushSnapshots({ core, frames, settled }, push, signal);
        } finally {
          detach();
        }
      } finally {
        leavePlace();
      }
    }),
  ];
  return () => {
    for (const one of undo) one();
  };
}

/** Subscribers, by peer. */
class Places {
  readonly #taken = new Map<string, number>();
  #all = 0;

  /** Returns what gives the place back. @throws CoordinatorError `overloaded` */
  take(peer: string): () => void {
    const taken = this.#taken.get(peer) ?? 0;
    if (taken >= MAX_SUBSCRIPTIONS_PER_PEER) {
      throw new CoordinatorError("overloaded", `this peer has ${taken} subscriptions already; close one first`);
    }
    if (this.#all >= MAX_SUBSCRIBERS) {
      throw new CoordinatorError("overloaded", `${MAX_SUBSCRIBERS} subscribers are connected already; try again later`);
    }
    this.#all += 1;
    this.#taken.set(peer, taken + 1);
    return () => {
      this.#all -= 1;
      const left = this.#taken.get(peer)! - 1;
      if (left === 0) this.#taken.delete(peer);
      else this.#taken.set(peer, left);
    };
  }
}

interface Served {
  core: CoordinatorCore;
  frames: FrameCache;
  settled: () => Promise<void>;
}

/** Pushes the newest snapshot whenever the transport has taken the one before: a slow subscriber skips, and never queues. */
async function pushSnapshots({ core, frames, settled }: Served, push: Push, signal: AbortSignal): Promise<void> {
  let behind = true;
  let known: Snapshot | null = null;
  let wake = (): void => {};
  const unsubscribe = core.subscribe(() => {
    behind = true;
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      if (!behind) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      behind = false;
      const { snapshot, frame } = frames.newest(known);
      const bytes = await frame;
      await settled();
      if (!signal.aborted) await push(bytes);
      known = snapshot;
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

/** One encoding for all subscribers who know the same: nearly all know the snapshot before the newest. */
class FrameCache {
  readonly #core: CoordinatorCore;
  #newest: Snapshot | null = null;
  #madeMs = 0;
  /** by the nonce of what the subscriber knows; null: nothing */
  readonly #frames = new Map<bigint | null, Promise<Uint8Array>>();

  constructor(core: CoordinatorCore) {
    this.#core = core;
  }

  newest(known: Snapshot | null): { snapshot: Snapshot; frame: Promise<Uint8Array> } {
    const nowMs = this.#core.clock.nowMs();
    if (this.#newest === null || this.#newest.nonce !== this.#core.nonce || nowMs - this.#madeMs > FRAME_MAX_AGE_MS) {
      this.#newest = this.#core.snapshot();
      this.#madeMs = nowMs;
      this.#frames.clear();
    }
    const base = known?.nonce ?? null;
    const frame = this.#frames.get(base) ?? encodeFrame(this.#newest, known);
    this.#frames.set(base, frame);
    return { snapshot: this.#newest, frame };
  }
}
