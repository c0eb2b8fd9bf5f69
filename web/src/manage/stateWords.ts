/** What a run's state means to who manages it. */
import { runStateOf, type OnChainRun } from "@starling/sdk/actions/run";
import type { Tone } from "../ui/index.ts";

export interface StateWords {
  label: string;
  about: string;
  tone: Tone;
  /** its configuration may be changed, and it may be closed */
  isHalted: boolean;
}

export function stateWords(run: OnChainRun): StateWords {
  const state = runStateOf(run);
  if (!run.account.isConfigured) {
    return { label: "Not configured", about: "It has no configuration yet, and cannot start.", tone: "warn", isHalted: true };
  }
  if (run.state?.pendingPause) {
    return { label: "Pausing", about: "It pauses once the rounds under way are applied.", tone: "info", isHalted: false };
  }
  switch (state) {
    case "Uninitialized":
      return { label: "Not started", about: "It is configured, and was not started yet.", tone: "neutral", isHalted: true };
    case "Paused":
      return { label: "Paused", about: "Nobody trains until it is resumed.", tone: "neutral", isHalted: true };
    case "Finished":
      return { label: "Finished", about: "It trained all its steps.", tone: "good", isHalted: true };
    case "WaitingForMembers":
      return { label: "Waiting for members", about: "An epoch begins once enough members have joined.", tone: "info", isHalted: false };
    case "Warmup":
    case "RoundTrain":
    case "RoundWitness":
    case "Cooldown":
      return { label: "Running", about: `Epoch ${run.state?.epoch ?? 0}, step ${run.state?.step ?? 0}.`, tone: "good", isHalted: false };
    default:
      return state satisfies never;
  }
}
