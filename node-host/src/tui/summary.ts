/** What stays on the normal screen when the display has gone: how far the run came, and what went wrong. */
import { roundOf } from "../events.ts";
import { lossPoints, speedOf, type Model } from "./model.ts";
import { count } from "./text.ts";
import { clock } from "./views/log.ts";

const KEPT_TROUBLES = 12;

export function lastWords(model: Model): string[] {
  const out: string[] = [];
  const shown = model.troubles.slice(-KEPT_TROUBLES);
  if (model.troubles.length > shown.length) out.push(`... ${model.troubles.length - shown.length} warnings before these:`);
  for (const { atMs, level, text } of shown) out.push(`${clock(atMs)} ${level === "error" ? "error" : "warning"}: ${text}`);
  const { phase } = model;
  if (phase && model.trainedRounds > 0) {
    const inRound = phase.runState === "RoundTrain" || phase.runState === "RoundWitness";
    const loss = lossPoints(model).at(-1);
    const { tokensPerSecond } = speedOf(model);
    const heldOut = model.heldOut.at(-1);
    out.push(
      [
        `epoch ${phase.epoch}${inRound ? ` round ${roundOf(phase.round, phase.epochRounds)}` : ""} step ${phase.step}`,
        ...(loss ? [`loss ${loss.y.toFixed(3)}`] : []),
        ...(heldOut ? [`held-out loss ${heldOut.y.toFixed(3)} (step ${heldOut.x})`] : []),
        ...(tokensPerSecond === null ? [] : [`${count(tokensPerSecond)} tokens/s`]),
        `${count(model.tokens)} tokens`,
      ].join(", "),
    );
  }
  return out;
}
