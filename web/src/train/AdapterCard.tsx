/** Whether this browser can train the run, and what it takes. */
import { formatBytes, formatCompact } from "../lib/format.ts";
import { Alert, Card, Skeleton, Stat } from "../ui/index.ts";
import type { AdapterVerdict } from "./adapter.ts";
import type { NeedState } from "./useNeed.ts";

export function AdapterCard({ verdict, need, onCheckAgain }: { verdict: AdapterVerdict | null; need: NeedState; onCheckAgain(): void }) {
  return (
    <Card title="This browser">
      <div className="space-y-4" aria-live="polite">
        {verdict === null ? (
          <Skeleton className="h-12 w-full" />
        ) : verdict.kind === "fine" ? (
          <Alert title={`${verdict.adapter.name} can train here`} tone="good">
            {verdict.notes.join(" ") ||
              "Training runs on this graphics adapter through WebGPU, in short pieces, so that the computer stays usable."}
          </Alert>
        ) : (
          <Alert
            action={
              <button className="text-sm font-medium underline underline-offset-2" onClick={onCheckAgain} type="button">
                Check again
              </button>
            }
            title={verdict.title}
            tone="bad"
          >
            {verdict.text}
          </Alert>
        )}
        {need.kind === "refused" && (
          <Alert title="A tab cannot train this run" tone="bad">
            {need.text}
          </Alert>
        )}
        {need.kind === "known" && (
          <div aria-label="What the run takes" className="grid grid-cols-2 gap-4 sm:grid-cols-4" role="group">
            <Stat
              hint={`${formatCompact(need.need.parameters)} parameters`}
              label="Model to receive"
              value={formatBytes(need.need.modelBytes)}
            />
            <Stat hint="of the adapter, about" label="Graphics memory" value={formatBytes(need.need.adapterBytes)} />
            <Stat hint="of the computer, about" label="Memory" value={formatBytes(need.need.hostBytes)} />
            <Stat hint="each round, to each member" label="Sends" value={formatBytes(need.need.resultBytes)} />
          </div>
        )}
      </div>
    </Card>
  );
}
