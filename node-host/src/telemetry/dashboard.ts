/** The Grafana dashboard of config/deploy/grafana, generated so that no query can name a metric that does not exist. */

interface Panel {
  title: string;
  /** Grafana's name of it */
  unit: string;
  queries: readonly { expr: string; legend: string }[];
  kind?: "stat" | "state";
  /** of 24 */
  width?: number;
}

/** `$node` is the dashboard's choice of nodes. */
const N = '{node=~"$node"}';

export const PANELS: readonly { row: string; panels: readonly Panel[] }[] = [
  {
    row: "The run",
    panels: [
      { title: "Nodes up", unit: "short", kind: "stat", width: 4, queries: [{ expr: "sum(starling_up)", legend: "up" }] },
      {
        title: "Phase",
        unit: "short",
        kind: "state",
        width: 8,
        queries: [{ expr: `starling_phase{node=~"$node"} == 1`, legend: "{{node}} {{state}}" }],
      },
      { title: "Epoch", unit: "short", kind: "stat", width: 4, queries: [{ expr: "max(starling_epoch)", legend: "epoch" }] },
      { title: "Step", unit: "short", kind: "stat", width: 4, queries: [{ expr: "max(starling_step)", legend: "step" }] },
      {
        title: "Tokens a second",
        unit: "short",
        kind: "stat",
        width: 4,
        queries: [{ expr: "max(starling_tokens_per_second)", legend: "run" }],
      },
      {
        title: "Loss (nats a token)",
        unit: "short",
        queries: [
          { expr: `starling_loss${N}`, legend: "{{node}}" },
          { expr: `starling_held_out_loss${N}`, legend: "{{node}} held-out" },
        ],
      },
      {
        title: "Tokens a second, by node",
        unit: "short",
        queries: [{ expr: `rate(starling_tokens_total${N}[$__rate_interval])`, legend: "{{node}}" }],
      },
      {
        title: "Clients and members",
        unit: "short",
        queries: [
          { expr: "max(starling_clients_live)", legend: "live" },
          { expr: "max(starling_members)", legend: "members" },
        ],
      },
      {
        title: "Rounds a minute",
        unit: "short",
        queries: [{ expr: `60 * rate(starling_rounds_total${N}[$__rate_interval])`, legend: "{{node}}" }],
      },
    ],
  },
  {
    row: "Rounds",
    panels: [
      {
        title: "Length of a round",
        unit: "s",
        queries: [
          { expr: "histogram_quantile(0.5, sum by (le) (rate(starling_round_seconds_bucket[$__rate_interval])))", legend: "median" },
          { expr: "histogram_quantile(0.95, sum by (le) (rate(starling_round_seconds_bucket[$__rate_interval])))", legend: "95 %" },
        ],
      },
      {
        title: "Training a batch",
        unit: "s",
        queries: [
          {
            expr: `rate(starling_train_seconds_sum${N}[$__rate_interval]) / rate(starling_train_seconds_count${N}[$__rate_interval])`,
            legend: "{{node}}",
          },
        ],
      },
      {
        title: "Downloads from peers (95 %)",
        unit: "s",
        queries: [
          {
            expr: "histogram_quantile(0.95, sum by (le, what) (rate(starling_download_seconds_bucket[$__rate_interval])))",
            legend: "{{what}}",
          },
        ],
      },
      {
        title: "Results applied and refused, a second",
        unit: "short",
        queries: [
          { expr: `rate(starling_results_applied_total${N}[$__rate_interval])`, legend: "{{node}} applied" },
          { expr: `sum by (node, what) (rate(starling_rejected_total${N}[$__rate_interval]))`, legend: "{{node}} refused {{what}}" },
        ],
      },
    ],
  },
  {
    row: "Trouble",
    panels: [
      {
        title: "Behind, replays, stranded, resyncs (last hour)",
        unit: "short",
        queries: [
          { expr: `increase(starling_behind_total${N}[1h])`, legend: "{{node}} behind" },
          { expr: `increase(starling_replays_total${N}[1h])`, legend: "{{node}} replays" },
          { expr: `increase(starling_stranded_total${N}[1h])`, legend: "{{node}} stranded" },
          { expr: `increase(starling_resyncs_total${N}[1h])`, legend: "{{node}} resyncs" },
          { expr: `increase(starling_epochs_lost_total${N}[1h])`, legend: "{{node}} epochs lost" },
        ],
      },
      {
        title: "Errors (last hour)",
        unit: "short",
        queries: [
          { expr: `increase(starling_errors_total${N}[1h])`, legend: "{{node}} {{action}}" },
          { expr: `increase(starling_coordinator_calls_failed_total${N}[1h])`, legend: "{{node}} coordinator: {{call}}" },
          { expr: `increase(starling_checkpoints_failed_total${N}[1h])`, legend: "{{node}} checkpoints" },
        ],
      },
      {
        title: "Limits hit, a second",
        unit: "short",
        queries: [{ expr: `sum by (node, limit) (rate(starling_limits_hit_total${N}[$__rate_interval]))`, legend: "{{node}} {{limit}}" }],
      },
      {
        title: "Members that came and went (last hour)",
        unit: "short",
        queries: [{ expr: "sum by (change) (increase(starling_member_changes_total[1h]))", legend: "{{change}}" }],
      },
    ],
  },
  {
    row: "Machines",
    panels: [
      { title: "Resident memory", unit: "bytes", queries: [{ expr: `starling_resident_memory_bytes${N}`, legend: "{{node}}" }] },
      {
        title: "Processor",
        unit: "short",
        queries: [{ expr: `rate(starling_cpu_seconds_total${N}[$__rate_interval])`, legend: "{{node}} cores" }],
      },
      { title: "Event loop lag (99 %)", unit: "s", queries: [{ expr: `starling_event_loop_lag_seconds${N}`, legend: "{{node}}" }] },
      { title: "Open descriptors", unit: "short", queries: [{ expr: `starling_open_fds${N}`, legend: "{{node}}" }] },
      {
        title: "Traffic with peers",
        unit: "Bps",
        queries: [
          { expr: `sum by (node) (rate(starling_peer_received_bytes_total${N}[$__rate_interval]))`, legend: "{{node}} in" },
          { expr: `sum by (node) (rate(starling_peer_sent_bytes_total${N}[$__rate_interval]))`, legend: "{{node}} out" },
        ],
      },
      { title: "Round trip to peers", unit: "s", queries: [{ expr: `starling_peer_rtt_seconds${N}`, legend: "{{node}} to {{peer}}" }] },
      { title: "Peers connected", unit: "short", queries: [{ expr: `starling_peers_connected${N}`, legend: "{{node}}" }] },
      {
        title: "Checkpoints written, events dropped",
        unit: "short",
        queries: [
          { expr: `starling_checkpoints_saved_total${N}`, legend: "{{node}} checkpoints" },
          { expr: `starling_events_dropped_total${N}`, legend: "{{node}} events dropped" },
        ],
      },
    ],
  },
];

const PANEL_HEIGHT = 8;
const STAT_HEIGHT = 5;
const WIDTH = 24;
const DATASOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** Grafana's JSON, of schema 39 (Grafana 11 and later). */
export function dashboardJson(): string {
  const panels: unknown[] = [];
  let id = 1;
  let y = 0;
  for (const { row, panels: own } of PANELS) {
    panels.push({ id: id++, type: "row", title: row, collapsed: false, gridPos: { h: 1, w: WIDTH, x: 0, y }, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const { title, unit, queries, kind, width = WIDTH / 2 } of own) {
      if (x + width > WIDTH) {
        y += height;
        [x, height] = [0, 0];
      }
      const h = kind ? STAT_HEIGHT : PANEL_HEIGHT;
      panels.push({
        id: id++,
        type: kind === undefined ? "timeseries" : "stat",
        title,
        datasource: DATASOURCE,
        gridPos: { h, w: width, x, y },
        fieldConfig: {
          defaults: { unit, ...(kind ? {} : { custom: { lineWidth: 1, fillOpacity: 5, showPoints: "never" } }) },
          overrides: [],
        },
        options: kind
          ? {
              reduceOptions: { calcs: ["lastNotNull"] },
              textMode: kind === "state" ? "name" : "value",
              graphMode: kind === "state" ? "none" : "area",
            }
          : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
        targets: queries.map(({ expr, legend }, i) => ({
          refId: String.fromCharCode(65 + i),
          datasource: DATASOURCE,
          expr,
          legendFormat: legend,
        })),
      });
      x += width;
      height = Math.max(height, h);
    }
    y += height;
  }
  const variable = { refresh: 2, includeAll: true, multi: true, current: { text: "All", value: "$__all" } };
  const dashboard = {
    title: "Starling",
    uid: "starling",
    schemaVersion: 39,
    editable: true,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    tags: ["starling"],
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Data source" },
        {
          name: "node",
          type: "query",
          label: "Node",
          datasource: DATASOURCE,
          query: { query: "label_values(starling_up, node)", refId: "node" },
          ...variable,
        },
      ],
    },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
