/** The clients, one a row: their processes in a testnet, the epoch's slots as the coordinator sees them elsewhere. */
import type { RosterSlot } from "../../events.ts";
import { stack, table, type Column } from "../layout.ts";
import { nameOf, SELF, SERVER, votesNow, type Model } from "../model.ts";
import type { NodeView } from "../node.ts";
import { bytes, duration, row, span, type Line, type Span, type Style } from "../text.ts";
import type { View } from "./frame.ts";
import { roundSecondsBlock } from "./curves.ts";

export interface ClientRow {
  name: string;
  node: NodeView | null;
  slot: RosterSlot | null;
  /** waits for the next epoch */
  waits: boolean;
}

export function clientRows(model: Model): ClientRow[] {
  // between epochs the slots are those of the last one: who lost one then says nothing of now
  const runState = model.phase?.runState ?? "Uninitialized";
  const inEpoch = runState === "Warmup" || runState === "RoundTrain" || runState === "RoundWitness" || runState === "Cooldown";
  const slots = new Map((inEpoch ? model.roster?.slots : undefined)?.map((slot) => [nameOf(model, slot.client), slot]));
  const waiting = new Set(model.roster?.waiting.map((peer) => nameOf(model, peer)));
  const nodes = Object.values(model.nodes).filter(({ name }) => name !== SERVER && (model.kind !== "client" || name === SELF));
  const rows: ClientRow[] = nodes.map((node) => ({
    name: node.name === SELF ? "this client" : node.name,
    node,
    slot: slots.get(node.name) ?? null,
    waits: waiting.has(node.name),
  }));
  const known = new Set(nodes.map(({ name }) => name));
  for (const [name, slot] of slots) if (!known.has(name)) rows.push({ name, node: null, slot, waits: false });
  for (const name of waiting) if (!known.has(name) && !slots.has(name)) rows.push({ name, node: null, slot: null, waits: true });
  return rows;
}

const HEALTH: Readonly<Record<NodeView["health"], Style>> = { good: "good", busy: "plain", warn: "warn", bad: "bad" };

function stateOf({ node, slot, waits }: ClientRow): Span {
  if (node && node.process !== "running" && node.process !== null) return span(node.stage, HEALTH[node.health]);
  if (slot && slot.state !== "Healthy") return span(`${slot.state.toLowerCase()}${node ? `: ${node.stage}` : ""}`, "bad");
  if (node) return span(node.stage, HEALTH[node.health]);
  if (waits) return span("waits for the next epoch");
  if (slot && slot.missedRounds > 0) return span(`missed ${slot.missedRounds} rounds`, "warn");
  return span("takes part", "good");
}

const number = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined ? "-" : value.toFixed(digits);

export function clientColumns({ model }: View): Column<ClientRow>[] {
  const hasNodes = model.kind !== "server";
  const hasRoster = model.roster !== null;
  const restarted = Object.values(model.nodes).some(({ restarts }) => restarts > 0);
  const tiered = Object.values(model.nodes).some(({ tier }) => tier !== null && tier > 0);
  const columns: (Column<ClientRow> | false)[] = [
    { title: "client", width: 12, importance: 100, cell: ({ name, node }) => span(name, node?.health === "bad" ? "bad" : "plain") },
    { title: "state", width: 18, importance: 99, grows: true, cell: stateOf },
    hasNodes && { title: "loss", width: 6, importance: 90, right: true, cell: ({ node }) => number(node?.lastLoss, 3) },
    hasNodes && {
      title: "step",
      width: 6,
      importance: 88,
      right: true,
      cell: ({ node }) => (node && node.step > 0 ? String(node.step) : "-"),
    },
    tiered && { title: "tier", width: 4, importance: 86, right: true, cell: ({ node }) => number(node?.tier) },
    restarted && { title: "restarts", width: 8, importance: 87, right: true, cell: ({ node }) => restarts(node) },
    hasNodes && { title: "rss", width: 8, importance: 80, right: true, cell: ({ node }) => (node?.rssBytes ? bytes(node.rssBytes) : "-") },
    hasRoster && { title: "rounds", width: 6, importance: 78, right: true, cell: ({ slot }) => number(slot?.roundsTrained) },
    hasRoster && { title: "missed", width: 6, importance: 77, right: true, cell: ({ slot }) => missed(slot) },
    hasNodes && {
      title: "train",
      width: 7,
      importance: 70,
      right: true,
      cell: ({ node }) => (node?.lastTrainMs ? duration(node.lastTrainMs) : "-"),
    },
    hasNodes && { title: "peers", width: 5, importance: 66, right: true, cell: ({ node }) => number(node?.connected) },
    hasNodes && { title: "in/s", width: 8, importance: 60, right: true, cell: ({ node }) => rate(node, "receivedRate") },
    hasNodes && { title: "out/s", width: 8, importance: 59, right: true, cell: ({ node }) => rate(node, "sentRate") },
    hasRoster && { title: "witness", width: 7, importance: 50, right: true, cell: ({ slot }) => (slot?.isWitness ? "yes" : "-") },
    hasRoster && { title: "slot", width: 4, importance: 40, right: true, cell: ({ slot }) => number(slot?.index) },
    hasNodes && { title: "lag", width: 7, importance: 30, right: true, cell: ({ node }) => lag(node) },
    hasNodes && {
      title: "cpu",
      width: 6,
      importance: 29,
      right: true,
      cell: ({ node }) => (!node || node.cpuShare === null ? "-" : `${Math.round(node.cpuShare * 100)} %`),
    },
    hasNodes && { title: "hash", width: 12, importance: 20, cell: ({ node }) => node?.parameterHash?.hash.slice(0, 12) ?? "-" },
  ];
  return columns.filter((column) => column !== false);
}

function restarts(node: NodeView | null): Span {
  return node && node.restarts > 0 ? span(String(node.restarts), "warn") : span("0");
}

function missed(slot: RosterSlot | null): Span {
  return slot && slot.missedRounds > 0 ? span(String(slot.missedRounds), "warn") : span(slot ? "0" : "-");
}

function rate(node: NodeView | null, key: "receivedRate" | "sentRate"): string {
  if (!node || node.traffic.length === 0) return "-";
  return bytes(node.traffic.reduce((sum, peer) => sum + peer[key], 0));
}

function lag(node: NodeView | null): Span {
  if (!node || node.lagP99Ms === null) return span("-");
  return span(`${Math.round(node.lagP99Ms)} ms`, node.lagP99Ms > 200 ? "warn" : "plain");
}

export function drawClients(
  columns: readonly Column<ClientRow>[],
  items: readonly ClientRow[],
  width: number,
  rows: number,
  offset: number,
): Line[] {
  return items.length === 0 ? [row(span("nobody is here yet", "dim"))] : table(columns, items, width, rows, offset);
}

export function clientsView(view: View): readonly Line[] {
  const { model, ui, columns, rows } = view;
  const items = clientRows(model);
  const votes = votesNow(model);
  const server = model.nodes[SERVER];
  const facts: Line[] = [];
  if (votes) {
    const missing = votes.missing.map((peer) => nameOf(model, peer)).join(" ");
    const enough = votes.reported >= votes.quorum;
    facts.push(
      row(
        span(`step ${votes.step}: `, "dim"),
        span(`${votes.reported} of ${votes.elected} witnesses reported ${votes.of}, ${votes.quorum} needed`, enough ? "good" : "plain"),
        span(missing === "" ? "" : `; missing: ${missing}`, enough ? "dim" : "warn"),
      ),
    );
  }
  if (model.kind === "testnet" && server) {
    facts.push(
      row(
        span("coordinator: ", "dim"),
        span(server.stage, HEALTH[server.health]),
        span(
          `${server.rssBytes ? `, ${bytes(server.rssBytes)}` : ""}${server.restarts > 0 ? `, restarted ${server.restarts === 1 ? "once" : `${server.restarts} times`}` : ""}`,
        ),
      ),
    );
  }
  if (model.roster && model.roster.waiting.length > 0) {
    facts.push(row(span("next epoch: ", "dim"), model.roster.waiting.map((peer) => nameOf(model, peer)).join(" ")));
  }
  return stack(
    [
      {
        title: `Clients (${items.length})`,
        least: 1,
        most: items.length + 1,
        draw: (width, height) => drawClients(clientColumns(view), items, width, height, ui.offset),
      },
      { title: "Round", least: 1, most: facts.length, draw: () => facts },
      { ...roundSecondsBlock(model), most: 12 },
    ],
    [0, 1, 2],
    columns,
    rows,
  );
}
