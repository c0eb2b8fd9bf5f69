/** Every metric, once: its name, what it means and which event it comes from. docs/telemetry.md and the dashboard's test read it. */
import { RUN_STATES } from "@starling/sdk/types";
import type { MetricSpec } from "./metricSpec.ts";

/** The first word names the kind: what follows are steps, batches and peers, of which there are too many for a label. */
const kind = (text: string): string => text.split(" ")[0]!;
const one = (): number => 1;

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60] as const;
const ROUND_SECONDS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300] as const;

export const METRICS: readonly MetricSpec[] = [
  // the run, as this node sees it
  {
    type: "gauge",
    name: "starling_phase",
    help: "1 for the state that the run is in, 0 for all others.",
    labels: ["state"],
    from: { phase: ({ runState }) => RUN_STATES.map((state) => ({ value: state === runState ? 1 : 0, labels: { state } })) },
  },
  { type: "gauge", name: "starling_epoch", help: "Number of the epoch.", from: { phase: ({ epoch }) => epoch } },
  { type: "gauge", name: "starling_step", help: "Step of the running or next round.", from: { phase: ({ step }) => step } },
  {
    type: "counter",
    name: "starling_rounds_total",
    help: "Rounds that the run finished.",
    from: { phase: (_, { lastRound }) => (lastRound ? 1 : null) },
  },
  {
    type: "histogram",
    name: "starling_round_seconds",
    help: "Time from the start of a round to that of the next one.",
    buckets: ROUND_SECONDS,
    from: { phase: (_, { lastRound }) => lastRound?.seconds ?? null },
  },
  {
    type: "gauge",
    name: "starling_tokens_per_second",
    help: "Tokens that all clients together trained in the last round, over its time.",
    from: { phase: (_, { lastRound }) => (lastRound ? lastRound.tokens / lastRound.seconds : null) },
  },
  {
    type: "gauge",
    name: "starling_members",
    help: "Members of the run, those that wait for the next epoch included.",
    from: { phase: ({ pending }) => pending },
  },
  { type: "gauge", name: "starling_clients_live", help: "Clients of the epoch that are healthy.", from: { phase: ({ live }) => live } },
  {
    type: "counter",
    name: "starling_member_changes_total",
    help: "Members that joined, left, or lost their slot, at the coordinator.",
    labels: ["change"],
    from: { member: ({ change }) => [{ value: 1, labels: { change } }] },
  },
  // training
  {
    type: "gauge",
    name: "starling_loss",
    help: "Loss of the last batch trained here, nats a token.",
    from: { "round.trained": ({ loss }) => loss },
  },
  {
    type: "gauge",
    name: "starling_held_out_loss",
    help: "Last held-out loss measured here, nats a token.",
    from: { "held-out": ({ loss }) => loss },
  },
  {
    type: "gauge",
    name: "starling_held_out_perplexity",
    help: "Perplexity of the held-out text, last measured here.",
    from: { "held-out": ({ perplexity }) => perplexity },
  },
  {
    type: "gauge",
    name: "starling_task_accuracy",
    help: "Share of a task's questions that the model answers right, by log-likelihood a character (acc_norm).",
    labels: ["task"],
    from: { task: ({ name, accNorm }) => [{ value: accNorm, labels: { task: name } }] },
  },
  { type: "counter", name: "starling_batches_trained_total", help: "Batches trained here.", from: { "round.trained": one } },
  { type: "counter", name: "starling_tokens_total", help: "Tokens trained here.", from: { "round.trained": ({ tokens }) => tokens } },
  {
    type: "histogram",
    name: "starling_train_seconds",
    help: "Time in which a batch was trained.",
    buckets: ROUND_SECONDS,
    from: { "round.trained": ({ trainMs }) => trainMs / 1000 },
  },
  {
    type: "gauge",
    name: "starling_learning_rate",
    help: "Learning rate of the round that began last.",
    from: { "round.roundBegan": ({ learningRate }) => learningRate },
  },
  {
    type: "gauge",
    name: "starling_parameters",
    help: "Parameters of the model, once the engine runs.",
    labels: ["adapter", "profile"],
    from: { engine: ({ parameters, adapter, profile }) => [{ value: parameters, labels: { adapter, profile } }] },
  },
  // results, lists, models
  {
    type: "counter",
    name: "starling_results_applied_total",
    help: "Results of a batch that were applied.",
    from: { "round.roundBegan": ({ appliedStep, batches }) => (appliedStep === null ? null : batches.length) },
  },
  {
    type: "counter",
    name: "starling_rejected_total",
    help: "Results, announcements and other messages that were refused.",
    labels: ["what"],
    from: { "round.rejected": ({ what }) => [{ value: 1, labels: { what: kind(what) } }] },
  },
  {
    type: "counter",
    name: "starling_equivocations_total",
    help: "Two results signed by one trainer for one batch, proved here.",
    from: { "round.equivocation": one },
  },
  { type: "counter", name: "starling_witnesses_sent_total", help: "Witness messages sent.", from: { "round.witnessSent": one } },
  {
    type: "counter",
    name: "starling_downloads_reported_total",
    help: "Rounds whose results this witness reported as downloaded.",
    from: { "round.downloadsSent": one },
  },
  { type: "counter", name: "starling_models_received_total", help: "Models taken from peers.", from: { "round.modelReceived": one } },
  {
    type: "counter",
    name: "starling_model_bytes_total",
    help: "Bytes of models taken from peers.",
    from: { "round.modelReceived": ({ sizeBytes }) => sizeBytes },
  },
  {
    type: "counter",
    name: "starling_downloads_total",
    help: "Results, lists, records and announcements fetched from peers.",
    labels: ["what"],
    from: { "round.download": ({ what }) => [{ value: 1, labels: { what } }] },
  },
  {
    type: "counter",
    name: "starling_download_bytes_total",
    help: "Bytes of these.",
    labels: ["what"],
    from: { "round.download": ({ what, bytes }) => [{ value: bytes, labels: { what } }] },
  },
  {
    type: "histogram",
    name: "starling_download_seconds",
    help: "Time from asking for one of these to having it.",
    labels: ["what"],
    buckets: SECONDS,
    from: { "round.download": ({ what, ms }) => [{ value: ms / 1000, labels: { what } }] },
  },
  {
    type: "gauge",
    name: "starling_model_verified_share",
    help: "Share of the model on its way from peers that is here and verified.",
    from: {
      "round.modelProgress": ({ verifiedBytes, sizeBytes }) => (sizeBytes > 0 ? verifiedBytes / sizeBytes : null),
      "round.modelReceived": one,
    },
  },
  // trouble
  {
    type: "counter",
    name: "starling_replays_total",
    help: "Times that this client began to replay rounds that went by without it.",
    from: { "round.replay": one },
  },
  {
    type: "counter",
    name: "starling_behind_total",
    help: "Rounds that were under way before what they apply was here.",
    from: { "round.behind": one },
  },
  {
    type: "counter",
    name: "starling_stranded_total",
    help: "Times that this client had to wait for the next epoch.",
    from: { "round.stranded": one },
  },
  {
    type: "counter",
    name: "starling_resyncs_total",
    help: "Times that the parameters here were not the agreed ones.",
    from: { "round.resync": one },
  },
  {
    type: "counter",
    name: "starling_epochs_agreed_total",
    help: "Epochs that ended with agreed parameters held here.",
    from: { "round.epochModel": one },
  },
  {
    type: "counter",
    name: "starling_epochs_lost_total",
    help: "Epochs that ended with parameters that are not agreed, or not ours.",
    from: { "round.epochLost": one },
  },
  { type: "counter", name: "starling_checkpoints_saved_total", help: "Checkpoints written.", from: { saved: one } },
  {
    type: "counter",
    name: "starling_checkpoints_failed_total",
    help: "Checkpoints that could not be written.",
    from: { "round.error": ({ action }) => (action === "save the checkpoint" ? 1 : null) },
  },
  {
    type: "counter",
    name: "starling_coordinator_calls_failed_total",
    help: "Calls that the coordinator refused or did not answer.",
    labels: ["call"],
    from: {
      "round.error": ({ action }) => {
        const call = action === "join" || action === "leave" ? action : /^coordinator: (\w+)/.exec(action)?.[1];
        return call === undefined ? null : [{ value: 1, labels: { call } }];
      },
    },
  },
  {
    type: "counter",
    name: "starling_errors_total",
    help: "Things that failed while the client went on.",
    labels: ["action"],
    from: { "round.error": ({ action }) => [{ value: 1, labels: { action: action.replace(/\d+/g, "N") } }] },
  },
  {
    type: "counter",
    name: "starling_coordinator_restores_total",
    help: "Times that the coordinator went on with a run it had saved.",
    from: { restored: one },
  },
  { type: "counter", name: "starling_warnings_total", help: "Warnings said.", from: { warning: one } },
  {
    type: "counter",
    name: "starling_limits_hit_total",
    help: "Connections, messages and requests that a limit kept out.",
    labels: ["limit"],
    from: { limit: ({ limit, count }) => [{ value: count, labels: { limit } }] },
  },
  {
    type: "counter",
    name: "starling_events_dropped_total",
    help: "Events missing from the files of --events-dir.",
    from: { "events-dropped": ({ events }) => events },
  },
  // the network
  {
    type: "gauge",
    name: "starling_peers_connected",
    help: "Other members of the run with a connection to this one.",
    from: { peers: ({ connected }) => connected },
  },
  {
    type: "total",
    name: "starling_peer_received_bytes_total",
    help: "Bytes received, encryption included, by connected peer.",
    labels: ["peer"],
    from: { traffic: ({ peers }) => peers.map(({ peer, receivedBytes }) => ({ value: receivedBytes, labels: { peer } })) },
  },
  {
    type: "total",
    name: "starling_peer_sent_bytes_total",
    help: "Bytes sent, encryption included, by connected peer.",
    labels: ["peer"],
    from: { traffic: ({ peers }) => peers.map(({ peer, sentBytes }) => ({ value: sentBytes, labels: { peer } })) },
  },
  {
    type: "gauge",
    name: "starling_peer_rtt_seconds",
    help: "Last measured round trip, by connected peer.",
    labels: ["peer"],
    dropsAbsent: true,
    from: {
      traffic: ({ peers }) => peers.flatMap(({ peer, rttMs }) => (rttMs === null ? [] : [{ value: rttMs / 1000, labels: { peer } }])),
    },
  },
  // the process
  {
    type: "gauge",
    name: "starling_resident_memory_bytes",
    help: "Resident memory of the process.",
    from: { resources: ({ rssBytes }) => rssBytes },
  },
  {
    type: "gauge",
    name: "starling_heap_bytes",
    help: "Memory of JavaScript objects in use.",
    from: { resources: ({ heapBytes }) => heapBytes },
  },
  { type: "gauge", name: "starling_open_fds", help: "Open file descriptors.", from: { resources: ({ openFiles }) => openFiles } },
  {
    type: "total",
    name: "starling_cpu_seconds_total",
    help: "Processor time of all threads.",
    from: { resources: ({ cpuSeconds }) => cpuSeconds },
  },
  {
    type: "gauge",
    name: "starling_event_loop_lag_seconds",
    help: "99th percentile of the event loop's delay in the last 10 s; above 0.2 peers notice.",
    from: { resources: ({ lagP99Ms }) => lagP99Ms / 1000 },
  },
];
