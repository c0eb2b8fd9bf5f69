/** The run's configuration in plain words: every key with its unit and meaning, and the text itself. */
import { memo } from "react";
import { Alert, Card, CopyText } from "../ui/index.ts";
import type { ConfigView } from "../watch/protocol.ts";

export const ConfigPanel = memo(function ConfigPanel({ config }: { config: ConfigView | null }) {
  if (config === null) {
    return (
      <Card title="Configuration">
        <p className="text-muted">The run has no configuration yet.</p>
      </Card>
    );
  }
  return (
    <Card description="What every client trains by." title="Configuration">
      {config.problem !== null && (
        <Alert title="This configuration cannot be read" tone="warn">
          <span className="whitespace-pre-wrap">{config.problem}</span>
        </Alert>
      )}
      <div className="space-y-2">
        {config.groups.map(({ title, doc, rows }) => (
          <details className="rounded-lg border border-line" key={title}>
            <summary className="px-3 py-2 font-medium">
              {title} <span className="text-sm font-normal text-muted">{rows.length === 1 ? "1 value" : `${rows.length} values`}</span>
            </summary>
            <div className="border-t border-line px-3 py-2">
              {doc !== "" && <p className="mb-2 text-sm text-muted">{doc}</p>}
              <dl className="grid gap-x-6 gap-y-3 md:grid-cols-2">
                {rows.map(({ key, label, value, unit, doc: meaning }) => (
                  <div className="min-w-0" key={key}>
                    <dt className="flex items-baseline justify-between gap-3">
                      <span className="font-medium">{label}</span>
                    </dt>
                    <dd className="min-w-0">
                      <span className="tabular font-mono text-[0.925em] break-words">{value}</span>
                      {unit !== null && <span className="text-muted"> {unit}</span>}
                      <span className="block text-sm text-muted">{meaning}</span>
                    </dd>
                  </div>
                ))}
              </dl>
            </div>
          </details>
        ))}
        {config.toml !== "" && (
          <details className="rounded-lg border border-line">
            <summary className="px-3 py-2 font-medium">The text as clients read it (TOML)</summary>
            <div className="border-t border-line p-3">
              <CopyText label="configuration" text={config.toml}>
                <span className="text-sm text-muted">Copy all of it</span>
              </CopyText>
              <pre className="mt-2 max-h-96 overflow-auto rounded-lg bg-sunken p-3 text-sm" tabIndex={0}>
                {config.toml}
              </pre>
            </div>
          </details>
        )}
      </div>
    </Card>
  );
});
