/**
 * Whether a node makes progress: what `/healthz` answers to systemd, Docker and balancers. Waiting for members is healthy; a round
 * that lasts many times as long as rounds do, or a client that the run leaves behind, is not.
 */
import type { RunState } from "@starling/sdk/types";
import type { HostEvent } from "../events.ts";

/** Engines compile for minutes on slow adapters. */
const START_LIMIT_MS = 15 * 60_000;
/** A round, a warm-up or a cooldown is stuck after this time, or after so many times its announced length. */
const STUCK_MS = 120_000;
const STUCK_FACTOR = 3;
/** A client that began no round for so long while the run had some, and does not say why, is stuck. */
const SILENT_MS = 120_000;

/** Every process tells its resources each 10 s: one that says nothing for so long stands still. */
const MUTE_MS = 45_000;

export interface HealthReport {
  ok: boolean;
  /** a sentence: what it does, or what is wrong */
  reason: string;
  /** null before the coordinator was heard */
  step: number | null;
  runState: RunState | null;
}

export class Health {
  readonly #startMs: number;
  /** a coordinator says that it listens */
  #isClient = true;
  #phase: { event: Extract<HostEvent, { type: "phase" }>; sinceMs: number } | null = null;
  /** the newest round that began here, and when; null before the first */
  #begun: { step: number; atMs: number } | null = null;
  /** rounds of the run since the newest that began here */
  #missedSinceMs: number | null = null;
  #waitsFor: string | null = null;
  #stopped: string | null = null;
  #heardMs: number;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#heardMs = nowMs;
  }

  observe(event: HostEvent, nowMs: number): void {
    this.#heardMs = nowMs;
    switch (event.type) {
      case "phase": {
        const before = this.#phase?.event;
        const moved = before?.runState !== event.runState || before.step !== event.step || before.epoch !== event.epoch;
        this.#phase = { event, sinceMs: moved ? nowMs : this.#phase!.sinceMs };
        if (moved && event.runState === "RoundTrain") this.#missedSinceMs ??= nowMs;
        if (event.runState !== "RoundTrain" && event.runState !== "RoundWitness") {
          this.#missedSinceMs = null;
          this.#waitsFor = null;
        }
        return;
      }
      case "listening":
        this.#isClient = false;
        return;
      case "stopped":
        this.#stopped = event.reason;
        return;
      case "round":
        if (event.event.type === "roundBegan") {
          this.#begun = { step: event.event.step, atMs: nowMs };
          this.#missedSinceMs = null;
          this.#waitsFor = null;
        }
        if (event.event.type === "stranded") this.#waitsFor = `does not train before the next epoch: ${event.event.reason}`;
        return;
      default:
        return;
    }
  }

  report(nowMs: number): HealthReport {
    const { ok, reason } = this.#judge(nowMs);
    return { ok, reason, step: this.#phase?.event.step ?? null, runState: this.#phase?.event.runState ?? null };
  }

  #judge(nowMs: number): { ok: boolean; reason: string } {
    if (this.#stopped !== null) return { ok: false, reason: `stopped: ${this.#stopped}` };
    const muteMs = nowMs - this.#heardMs;
    if (muteMs > MUTE_MS) return { ok: false, reason: `has said nothing for ${Math.round(muteMs / 1000)} s: its process stands still` };
    if (!this.#phase) {
      const seconds = Math.round((nowMs - this.#startMs) / 1000);
      return nowMs - this.#startMs > START_LIMIT_MS
        ? { ok: false, reason: `still starting after ${seconds} s` }
        : { ok: true, reason: `starting since ${seconds} s` };
    }
    const { event, sinceMs } = this.#phase;
    const lastsMs = nowMs - sinceMs;
    const seconds = Math.round(lastsMs / 1000);
    switch (event.runState) {
      case "Uninitialized":
      case "WaitingForMembers":
        return { ok: true, reason: `waits for members: ${event.pending} of ${event.wanted} are here` };
      case "Paused":
        return { ok: true, reason: "the run is paused" };
      case "Finished":
        return { ok: true, reason: "the run is finished" };
      case "Warmup":
      case "RoundTrain":
      case "RoundWitness":
      case "Cooldown": {
        const limitMs = Math.max(STUCK_MS, event.endsAtMs === null ? 0 : STUCK_FACTOR * (event.endsAtMs - event.startedAtMs));
        if (lastsMs > limitMs)
          return {
            ok: false,
            reason: `${event.runState} of step ${event.step} lasts ${seconds} s: the coordinator is away, or the run is stuck`,
          };
        if (!this.#isClient || event.runState === "Warmup" || event.runState === "Cooldown")
          return { ok: true, reason: `${event.runState} of step ${event.step}` };
        return this.#judgeClient(nowMs, event.step);
      }
      default:
        return event.runState satisfies never;
    }
  }

  #judgeClient(nowMs: number, step: number): { ok: boolean; reason: string } {
    if (this.#waitsFor !== null) return { ok: true, reason: this.#waitsFor };
    const silentMs = this.#missedSinceMs === null ? 0 : nowMs - this.#missedSinceMs;
    if (this.#begun === null) return { ok: true, reason: "waits for the next epoch" };
    if (silentMs <= SILENT_MS)
      return { ok: true, reason: `trains: round ${this.#begun.step} began ${Math.round((nowMs - this.#begun.atMs) / 1000)} s ago` };
    return {
      ok: false,
      reason: `began no round since step ${this.#begun.step}, ${Math.round(silentMs / 1000)} s ago; the run is at step ${step}`,
    };
  }
}
