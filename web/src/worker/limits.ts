import type { Conditions, PauseReason, TrainLimits } from "./protocol.ts";

/** Why training rests now; null: it need not. What the person asked for comes first. */
export function whyPaused({ pauseWhenHidden, onlyWhenPluggedIn }: TrainLimits, conditions: Conditions): PauseReason | null {
  if (conditions.paused) return "asked";
  if (pauseWhenHidden && conditions.hidden) return "hidden";
  // where the browser does not say, the page has said that it cannot keep this
  if (onlyWhenPluggedIn && conditions.pluggedIn === false) return "battery";
  return null;
}
