/** The curves of a run: its loss, and how long its rounds take. */
import { chart } from "../chart.ts";
import type { Block } from "../layout.ts";
import { lossPoints, type Model } from "../model.ts";

/** The loss; at a coordinator, which hears of none, the time of its rounds. */
export function curveBlock(model: Model): Block {
  if (model.kind === "server") return roundSecondsBlock(model);
  const title = model.kind === "client" ? "Loss of this client's batches" : "Loss, mean of the round's batches";
  return {
    title: model.heldOut.length > 0 ? `${title}; ◆ held-out` : title,
    least: 4,
    most: 60,
    draw: (width, rows) => chart({ line: lossPoints(model), marks: model.heldOut, xUnit: "step" }, width, rows),
  };
}

/** What a coordinator knows of a run's speed. */
export function roundSecondsBlock({ roundSeconds }: Model): Block {
  const line = [...roundSeconds.points, ...roundSeconds.rest];
  return { title: "Seconds a round", least: 4, most: 60, draw: (width, rows) => chart({ line, marks: [], xUnit: "step" }, width, rows) };
}
