/** What the run will ask of its clients, live beside the form. */
import type { RunConfig } from "@starling/config";
import { useState } from "react";
import { formatBytes, formatCompact, formatDuration, formatNumber } from "../../lib/format.ts";
import { Alert, Card, Field, NumberInput, Select } from "../../ui/index.ts";
import { useEstimate } from "./useEstimate.ts";

/** Sustained while training, not what a data sheet promises. */
const MACHINES = [
  { value: "5e9", label: "No GPU (software adapter)" },
  { value: "3e11", label: "Laptop with integrated graphics" },
  { value: "3e12", label: "Desktop GPU" },
  { value: "2e13", label: "Data-centre GPU" },
];
const LINES = [
  { value: "1250000", label: "10 Mbit/s" },
  { value: "12500000", label: "100 Mbit/s" },
  { value: "125000000", label: "1 Gbit/s" },
];
/** Every adapter with WebGPU binds this much at once; more must be offered. */
const SAFE_BINDING_BYTES = 128 * 2 ** 20;

/** A round on the chain waits for a few transactions and for whole seconds of its clock; a server answers at once. */
const AGREEMENT_SECONDS = { chain: 4, server: 0.3 } as const;

export function EstimateCard({ config, on }: { config: RunConfig | null; on: keyof typeof AGREEMENT_SECONDS }) {
  const [clientsText, setClientsText] = useState("");
  const [flops, setFlops] = useState("3e11");
  const [line, setLine] = useState("12500000");
  const typed = /^[1-9]\d{0,2}$/.test(clientsText) ? Math.min(256, Number(clientsText)) : null;
  const clients = typed ?? config?.config.init_min_clients ?? 1;
  const state = useEstimate(config, {
    clients,
    flops: Number(flops),
    bytesPerSecond: Number(line),
    agreementSeconds: AGREEMENT_SECONDS[on],
  });
  return (
    <Card description="Sizes are exact. Times are rough: they rest on the machine you choose here." level={3} title="Estimate">
      <div className="grid gap-3 xs:grid-cols-3 lg:grid-cols-1 xl:grid-cols-1">
        <Field label="Clients">
          <NumberInput
            inputMode="numeric"
            onChange={(event) => setClientsText(event.target.value)}
            placeholder={String(clients)}
            value={clientsText}
          />
        </Field>
        <Field label="Machine of each">
          <Select onChange={(event) => setFlops(event.target.value)} options={MACHINES} value={flops} />
        </Field>
        <Field label="Network of each">
          <Select onChange={(event) => setLine(event.target.value)} options={LINES} value={line} />
        </Field>
      </div>
      <div aria-live="polite" className="mt-4">
        {state.kind === "ready" ? (
          <Figures config={config} state={state} />
        ) : (
          <p className="text-sm text-muted">
            {state.kind === "unknown" ? state.why : "Figures appear once the configuration has no problems."}
          </p>
        )}
      </div>
    </Card>
  );
}

function Figures({ config, state }: { config: RunConfig | null; state: Extract<ReturnType<typeof useEstimate>, { kind: "ready" }> }) {
  const { estimate } = state;
  const seconds = (value: number): string => formatDuration(value * 1000);
  const isSlow = config !== null && estimate.trainSeconds > config.config.max_round_train_time;
  const rows: [string, string][] = [
    ["Parameters", formatCompact(estimate.parameters)],
    ["Model, as it is shared", formatBytes(estimate.modelBytes)],
    ["GPU memory of a client", `from ${formatBytes(estimate.adapterBytes)}`],
    ["Sent a round and client", formatBytes(estimate.sentBytesPerRound)],
    ["Received a round and client", formatBytes(estimate.receivedBytesPerRound)],
    ["Tokens a round", formatNumber(estimate.tokensPerRound)],
    ["Time of a round", seconds(estimate.roundSeconds)],
    ["Time of an epoch", `${seconds(estimate.epochSeconds)}, at most ${seconds(estimate.longestEpochSeconds)}`],
    ["Epochs of the run", formatNumber(estimate.epochs)],
    ["Time of the run", seconds(estimate.runSeconds)],
  ];
  return (
    <>
      <dl className="divide-y divide-line text-sm">
        {rows.map(([label, value]) => (
          <div className="flex justify-between gap-3 py-1.5" key={label}>
            <dt className="text-muted">{label}</dt>
            <dd className="text-right font-medium tabular">{value}</dd>
          </div>
        ))}
      </dl>
      {isSlow && (
        <div className="mt-3">
          <Alert title="Such a machine is too slow for this run" tone="warn">
            Its share of a round takes about {seconds(estimate.trainSeconds)}, and max round train time is{" "}
            {config.config.max_round_train_time} s.
          </Alert>
        </div>
      )}
      {estimate.bindingBytes > SAFE_BINDING_BYTES && (
        <div className="mt-3">
          <Alert title="Not every GPU can hold this" tone="warn">
            One buffer has {formatBytes(estimate.bindingBytes)}; WebGPU promises {formatBytes(SAFE_BINDING_BYTES)}.
          </Alert>
        </div>
      )}
    </>
  );
}
