/** Who exchanges how much with whom, and what is being fetched. */
import { stack, table, type Column } from "../layout.ts";
import { nameOf, SELF, SERVER, type Model } from "../model.ts";
import type { ModelDownload, NodeView, PeerTraffic } from "../node.ts";
import { bar, bytes, duration, percent, row, span, type Line } from "../text.ts";
import type { View } from "./frame.ts";

/** Models that are on their way to somebody here. */
export function downloads({ nodes }: Model): { node: string; download: ModelDownload }[] {
  return Object.values(nodes).flatMap(({ name, download }) => (download ? [{ node: name === SELF ? "this client" : name, download }] : []));
}

export function networkView(view: View): readonly Line[] {
  const { model, ui, columns, rows } = view;
  const fetching = downloads(model);
  const fetched = Object.values(model.nodes).filter((node) => node.fetched !== null);
  const who = model.kind === "testnet" ? testnetTraffic(model) : peerTraffic(model);
  return stack(
    [
      {
        title: who.title,
        least: 2,
        most: Math.max(1, who.items) + 1,
        draw: (width, height) => (who.items === 0 ? [row(span("nothing was exchanged yet", "dim"))] : who.draw(width, height, ui.offset)),
      },
      {
        title: "Models on their way",
        least: 1,
        most: Math.max(1, fetching.length),
        draw: (width, height) =>
          fetching.length === 0
            ? [row(span("none", "dim"))]
            : fetching.slice(0, height).map((item) => downloadLine(item, width, view.nowMs)),
      },
      {
        title: "Results, lists and records fetched",
        least: 1,
        most: fetched.length,
        draw: (_width, height) =>
          fetched
            .slice(0, height)
            .map(({ name, fetched: f }) =>
              row(
                `${(name === SELF ? "this client" : name).padEnd(12)} ${f!.count} in all, ${bytes(f!.bytes)}; last: ${f!.lastWhat} in ${duration(f!.lastMs)}`,
              ),
            ),
      },
    ],
    [0, 1, 2],
    columns,
    rows,
  );
}

function downloadLine({ node, download }: { node: string; download: ModelDownload }, width: number, nowMs: number): Line {
  const { verifiedBytes, sizeBytes, providers, startedAtMs } = download;
  const share = verifiedBytes / Math.max(1, sizeBytes);
  const elapsedMs = nowMs - startedAtMs;
  const left = share > 0.01 && elapsedMs > 1000 ? `, ${duration((elapsedMs / share) * (1 - share))} left` : "";
  return row(
    node.padEnd(13),
    ...bar(share, Math.max(6, Math.min(40, width - 74))),
    ` ${percent(share)}  ${bytes(verifiedBytes)} of ${bytes(sizeBytes)} from ${providers} ${providers === 1 ? "provider" : "providers"}${left}`,
  );
}

interface Table {
  title: string;
  items: number;
  draw: (width: number, rows: number, offset: number) => Line[];
}

function testnetTraffic({ nodes }: Model): Table {
  const items = Object.values(nodes).filter(({ name, traffic }) => name !== SERVER && traffic.length > 0);
  const sum = (node: NodeView, key: "receivedBytes" | "sentBytes" | "receivedRate" | "sentRate") =>
    bytes(node.traffic.reduce((total, peer) => total + peer[key], 0));
  const columns: Column<NodeView>[] = [
    { title: "client", width: 12, importance: 100, grows: true, cell: ({ name }) => name },
    { title: "peers", width: 5, importance: 80, right: true, cell: ({ connected }) => String(connected) },
    { title: "in/s", width: 9, importance: 90, right: true, cell: (node) => sum(node, "receivedRate") },
    { title: "out/s", width: 9, importance: 89, right: true, cell: (node) => sum(node, "sentRate") },
    { title: "received", width: 9, importance: 60, right: true, cell: (node) => sum(node, "receivedBytes") },
    { title: "sent", width: 9, importance: 59, right: true, cell: (node) => sum(node, "sentBytes") },
    { title: "median rtt", width: 10, importance: 50, right: true, cell: ({ traffic }) => rttText(median(traffic)) },
  ];
  return { title: "Traffic by client", items: items.length, draw: (width, rows, offset) => table(columns, items, width, rows, offset) };
}

function peerTraffic(model: Model): Table {
  const node = model.nodes[model.kind === "server" ? SERVER : SELF];
  const items = [...(node?.traffic ?? [])].sort((a, b) => b.receivedRate + b.sentRate - a.receivedRate - a.sentRate);
  const columns: Column<PeerTraffic>[] = [
    { title: "peer", width: 12, importance: 100, grows: true, cell: ({ peer }) => nameOf(model, peer) },
    { title: "in/s", width: 9, importance: 90, right: true, cell: ({ receivedRate }) => bytes(receivedRate) },
    { title: "out/s", width: 9, importance: 89, right: true, cell: ({ sentRate }) => bytes(sentRate) },
    { title: "received", width: 9, importance: 60, right: true, cell: ({ receivedBytes }) => bytes(receivedBytes) },
    { title: "sent", width: 9, importance: 59, right: true, cell: ({ sentBytes }) => bytes(sentBytes) },
    { title: "rtt", width: 8, importance: 70, right: true, cell: ({ rttMs }) => rttText(rttMs) },
  ];
  return {
    title: `Traffic by peer (${items.length})`,
    items: items.length,
    draw: (width, rows, offset) => table(columns, items, width, rows, offset),
  };
}

function rttText(ms: number | null): string {
  return ms === null ? "-" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function median(traffic: readonly PeerTraffic[]): number | null {
  const known = traffic.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs])).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}
