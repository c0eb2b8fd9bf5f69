/** The text of docs/telemetry.md: the prose, and the tables rendered from what the code uses. */
import { docsMarkdown, timelineOptions } from "@starling/config";
import { METRICS } from "./metricTable.ts";
import { UP } from "./metrics.ts";

export function telemetryDocs(): string {
  const rows = METRICS.map(({ name, type, help, labels = [], from }) => {
    const events = Object.keys(from).map((event) => `\`${event}\``);
    return `| \`${name}\` | ${type === "total" ? "counter" : type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} | ${events.join(", ")} |`;
  });
  return `${[
    "# Telemetry",
    "<!-- generated from node-host/src/telemetry by `npm run generate`; edit docs.ts and metricTable.ts there -->",
    "Everything below is made of the events that a process tells (`node-host/src/events.ts`, `trainer-core/src/telemetry/events.ts`).",
    "## Event files",
    "`--events-dir DIR` keeps every event of a node as one JSON object a line in `DIR/NODE/events-START-N.jsonl`. `atMs` is the node's clock (Unix ms), `seq` rises by one a line and begins anew at each start, `node` is the name (`--node-name`). A file is closed at `--event-file-mib`, the newest `--keep-event-files` of a node are kept. Lines are written in the background, at most 0.2 s late, and at the end of a process; kill -9 costs no more than that. When the disk takes nothing, up to 4 MiB wait and what comes then is dropped and counted; one warning says so, an event `events-dropped` says when it works again, and the node trains on.",
    "## Timeline",
    "`starling timeline DIR` shows all nodes' files on one clock: nodes' clocks are aligned by the coordinator's changes of phase. One line a node, rounds from left to right; below it what stands out: slow rounds and who was late, downtimes and when the node trained again, replays, different parameters, warnings by kind. `--json` is for tools; `--html FILE` writes one page that needs no network, with zoom, the loss, and the waterfall of a round.",
    docsMarkdown(timelineOptions),
    "## Metrics and health",
    "`--metrics-local-port PORT` (`METRICS_LOCAL_PORT`) serves `/metrics` in Prometheus' text format and `/healthz` on `--metrics-host`, 127.0.0.1 unless told otherwise: whoever reaches the port reads them. `local-testnet` serves all its nodes at one port. A port that is taken is said, and the node goes on without metrics. [config/deploy](../config/deploy) has a Grafana dashboard and a `prometheus.yml`.",
    "`/healthz` answers 200 while every node behind it makes progress or waits for something that is not its fault (members, a paused run, the next epoch), and 503 with the reason when a round lasts for three times its limit and at least two minutes, when a client begins no round for two minutes while the run goes on, when a start takes 15 minutes, when a process says nothing for 45 s (it tells its resources every 10 s), and once a process has ended. The body names each node's state as JSON.",
    "Every metric has the label `node`. Times are in seconds, sizes in bytes, losses in nats a token.",
    [
      "| metric | type | labels | meaning | from the event |",
      "|---|---|---|---|---|",
      `| \`${UP.name}\` | ${UP.type} | | ${UP.help} | every event |`,
      ...rows,
    ].join("\n"),
  ].join("\n\n")}\n`;
}
