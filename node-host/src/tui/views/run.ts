/** The first view: the curve, who takes part, facts and the end of the log. */
import { beside, stack, type Block } from "../layout.ts";
import { nameOf, SERVER, votesNow, type Model } from "../model.ts";
import { bar, bytes, clip, count, row, span, type Line } from "../text.ts";
import { curveBlock } from "./curves.ts";
import { clientColumns, clientRows, drawClients } from "./clients.ts";
import type { View } from "./frame.ts";
import { clock, logTail, oneLine } from "./log.ts";
import { downloads } from "./network.ts";

/** From here on two columns are better than one. */
const TWO_COLUMNS_FROM = 104;

export function runView(view: View): readonly Line[] {
  const { model, columns, rows } = view;
  const curve = curveBlock(model);
  const clients = clientsBlock(view);
  const facts = factsBlock(model);
  const fetching = downloadsBlock(model);
  const log: Block = { title: "Log", least: 2, most: 200, draw: (width, height) => logTail(model.log, width, height) };
  if (columns < TWO_COLUMNS_FROM) {
    curve.most = 16;
    // least important last; from top to bottom as written in the second list
    return stack([curve, clients, log, fetching, facts], [0, 1, 3, 4, 2], columns, rows);
  }
  const right = Math.max(56, Math.min(110, Math.floor(columns * 0.47)));
  const left = columns - right - 1;
  const logRows = rows >= 16 ? Math.max(6, Math.floor(rows * 0.35)) : 0;
  const top = rows - logRows;
  return [
    ...beside(stack([curve], [0], left, top), stack([clients, fetching, facts], [0, 1, 2], right, top), left, right),
    ...stack([log], [0], columns, logRows),
  ];
}

function clientsBlock(view: View): Block {
  const items = clientRows(view.model);
  const votes = votesNow(view.model);
  const tally = votes ? ` · ${votes.of} ${votes.reported}/${votes.elected}, quorum ${votes.quorum}` : "";
  return {
    title: `Clients${tally}`,
    least: Math.min(4, items.length + 1),
    most: items.length === 0 ? 0 : items.length + 1,
    draw: (width, rows) => drawClients(clientColumns(view), items, width, rows, 0),
  };
}

function downloadsBlock(model: Model): Block {
  const items = downloads(model);
  return {
    title: "Downloads",
    least: 1,
    most: items.length,
    draw: (width, rows) =>
      items
        .slice(0, rows)
        .map(({ node, download }) =>
          row(
            `${clip(node, 12).padEnd(12)} model `,
            ...bar(download.verifiedBytes / Math.max(1, download.sizeBytes), Math.min(20, Math.max(4, width - 58))),
            ` ${bytes(download.verifiedBytes)} of ${bytes(download.sizeBytes)} from ${download.providers}`,
          ),
        ),
  };
}

function factsBlock(model: Model): Block {
  const facts = factLines(model);
  return { title: "Run", least: Math.min(2, facts.length), most: facts.length, draw: (_width, rows) => facts.slice(0, rows) };
}

function factLines(model: Model): Line[] {
  const fact = (name: string, value: string): Line => row(span(name.padEnd(12), "dim"), value);
  const out: Line[] = [];
  if (model.agreed)
    out.push(fact("agreed", `epoch ${model.agreed.epoch}, step ${model.agreed.step}: ${model.agreed.parameterHash.slice(0, 16)}`));
  if (model.checkpoint) {
    const { path, step, agreed, atMs } = model.checkpoint;
    out.push(fact("checkpoint", `step ${step}${agreed ? "" : " (not agreed)"} at ${clock(atMs)}: ${shortPath(path)}`));
  } else if (model.kind !== "server") out.push(fact("checkpoint", "none yet"));
  const heldOut = model.heldOut.at(-1);
  if (heldOut)
    out.push(fact("held-out", `loss ${heldOut.y.toFixed(3)}, perplexity ${Math.exp(heldOut.y).toPrecision(4)} (step ${heldOut.x})`));
  const tasks = Object.entries(model.tasks).map(([name, { accNorm, asked, total }]) => `${name} ${accNorm.toFixed(3)} (${asked}/${total})`);
  if (tasks.length > 0) out.push(fact("acc_norm", tasks.join(", ")));
  if (model.sample) out.push(fact("writes", oneLine(model.sample.text)));
  const adapters = [...new Set(Object.values(model.nodes).flatMap(({ adapter }) => (adapter ? [adapter] : [])))];
  if (adapters.length > 0) out.push(fact("adapter", adapters.join(", ")));
  if (model.parameters !== null) out.push(fact("parameters", count(model.parameters)));
  const peers = Object.values(model.nodes).flatMap(({ name, traffic }) => (name === SERVER && model.kind === "testnet" ? [] : traffic));
  if (peers.length > 0) {
    const sum = (key: "receivedRate" | "sentRate") => bytes(peers.reduce((total, peer) => total + peer[key], 0));
    out.push(fact("traffic", `${sum("receivedRate")}/s in, ${sum("sentRate")}/s out`));
  }
  if (model.address) out.push(fact(model.kind === "client" ? "reached at" : "coordinator", model.address));
  const { roster } = model;
  if (roster && roster.waiting.length > 0) {
    out.push(fact("next epoch", `${roster.waiting.length} wait: ${roster.waiting.map((peer) => nameOf(model, peer)).join(" ")}`));
  }
  return out;
}

/** The end of a path: it tells more than its beginning. */
function shortPath(path: string): string {
  const parts = path.split("/");
  return parts.length > 4 ? `…/${parts.slice(-3).join("/")}` : path;
}
