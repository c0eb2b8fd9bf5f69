/** A run's phase in words. Pure. */
import type { RunState } from "@starling/sdk/types";
import type { Tone } from "../ui/index.ts";
import type { Connection, RunView } from "../watch/protocol.ts";

interface PhaseWords {
  label: string;
  /** where there is room for a word */
  short: string;
  tone: Tone;
  /** what happens in it */
  text: string;
}

export const PHASES: Record<RunState, PhaseWords> = {
  Uninitialized: { label: "Not started", short: "New", tone: "neutral", text: "The run was made and has not begun yet." },
  WaitingForMembers: {
    label: "Waiting for clients",
    short: "Waiting",
    tone: "info",
    text: "The next epoch begins when enough clients are here.",
  },
  Warmup: { label: "Warm-up", short: "Warm-up", tone: "info", text: "Clients load the model and say when they are ready." },
  RoundTrain: {
    label: "Training",
    short: "Training",
    tone: "good",
    text: "Clients train their share of the batch; witnesses report whose results they hold.",
  },
  RoundWitness: {
    label: "Exchanging results",
    short: "Results",
    tone: "good",
    text: "Clients fetch the results that a quorum of witnesses named.",
  },
  Cooldown: { label: "Cooldown", short: "Cooldown", tone: "info", text: "The epoch is over; its checkpoint is written." },
  Finished: { label: "Finished", short: "Finished", tone: "neutral", text: "All steps are done." },
  Paused: { label: "Paused", short: "Paused", tone: "warn", text: "Nothing is trained until whoever runs it resumes the run." },
};

/** The phases that an epoch goes through, in order. */
export const CYCLE = ["WaitingForMembers", "Warmup", "RoundTrain", "RoundWitness", "Cooldown"] as const satisfies readonly RunState[];

/** One sentence about what the run does now, and what it waits for. */
export function phaseSentence(
  view: Pick<RunView, "runState" | "isConfigured" | "pendingPause" | "initMinClients" | "readyInWarmup" | "round" | "clients">,
): string {
  const { runState, isConfigured, pendingPause, initMinClients, readyInWarmup, round, clients } = view;
  if (!isConfigured) return "The run was made; its configuration has not been uploaded yet.";
  const rest = pendingPause ? " It pauses when its pipeline has drained." : "";
  const here = clients.filter(({ health }) => health === "healthy" || health === "late" || health === "waiting").length;
  switch (runState) {
    case "WaitingForMembers":
      return here < initMinClients
        ? `The next epoch begins when ${initMinClients} clients are here; ${here} ${here === 1 ? "is" : "are"}.${rest}`
        : `${here} clients are here; the next epoch begins in a moment.${rest}`;
    case "Warmup":
      return `Clients load the model: ${readyInWarmup} of ${here} ${readyInWarmup === 1 ? "is" : "are"} ready.${rest}`;
    case "RoundTrain":
      if (round === null) break;
      if (round.isDrain) return `The epoch ends: nothing new is trained, the last results are applied.${rest}`;
      return `${round.trainers} ${round.trainers === 1 ? "client trains" : "clients train"} ${round.batchSize} sequences; ${round.witnessesReported} of ${round.witnessesElected} witnesses have reported, ${round.quorum} end the phase.${rest}`;
    case "RoundWitness":
      if (round === null) break;
      return `Results are fetched: ${round.witnessesDownloaded} of ${round.witnessesElected} witnesses hold all of them, ${round.quorum} end the phase.${rest}`;
    case "Uninitialized":
    case "Cooldown":
    case "Finished":
    case "Paused":
      break;
    default:
      return runState satisfies never;
  }
  return `${PHASES[runState].text}${rest}`;
}

/** Share of the phase's longest time that has passed; null where no clock ends it. */
export function phaseShare(startedMs: number | null, endsMs: number | null, nowMs: number): number | null {
  if (startedMs === null || endsMs === null || endsMs <= startedMs) return null;
  return Math.min(1, Math.max(0, (nowMs - startedMs) / (endsMs - startedMs)));
}

/** Time left in whole seconds; null where no clock ends the phase, or nobody is known to count. */
export function timeLeftMs(endsMs: number | null, nowMs: number, connection: Connection): number | null {
  if (endsMs === null || connection.kind !== "live") return null;
  return Math.max(0, Math.round((endsMs - nowMs) / 1000) * 1000);
}
