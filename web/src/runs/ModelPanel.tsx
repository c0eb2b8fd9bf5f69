/** What the run has made so far: the agreed parameters, where they lie, what the model writes. */
import { formatNumber } from "../lib/format.ts";
import { Card, CopyText } from "../ui/index.ts";
import type { HistoryPoint, RunView } from "../watch/protocol.ts";
import { checkpointUrl } from "./checkpointUrl.ts";

/** What `train` records where no public place is named. */
const SHARED_BY_CLIENTS = "p2p";

export function ModelPanel({ view, points }: { view: RunView; points: readonly HistoryPoint[] }) {
  const { checkpoint, parameterHash, parameterHashEpoch, config, chain } = view;
  const model = config?.model ?? null;
  const sample = points.findLast(({ sampleText }) => sampleText !== null);
  const scored = points.findLast(({ evals }) => evals !== undefined);
  const url = checkpoint === null ? null : checkpointUrl(checkpoint.location);
  const parameters = chain !== null && chain.numParameters > 0n ? `${formatNumber(chain.numParameters)} parameters` : null;
  return (
    <Card title="Model">
      <dl className="space-y-3">
        {(model !== null || parameters !== null) && (
          <div>
            <dt className="text-sm text-muted">What it is</dt>
            <dd>{[model, parameters].filter((one) => one !== null).join("; ")}</dd>
          </div>
        )}
        <div>
          <dt className="text-sm text-muted">Agreed parameters</dt>
          <dd>
            {parameterHash === null ? (
              "None yet: clients agree on a hash at the end of each epoch."
            ) : (
              <>
                <CopyText label="hash of the agreed parameters" text={parameterHash}>
                  <span className="font-mono text-[0.925em]">{parameterHash}</span>
                </CopyText>
                <span className="block text-sm text-muted">
                  Merkle root, agreed by a quorum of witnesses at the end of epoch {formatNumber(parameterHashEpoch)}.
                </span>
              </>
            )}
          </dd>
        </div>
        <div>
          <dt className="text-sm text-muted">Checkpoint</dt>
          <dd>
            {checkpoint === null ? (
              "Nobody has said yet where one is stored."
            ) : (
              <>
                {checkpoint.location === SHARED_BY_CLIENTS ? (
                  "With the run's clients, who give it to those that join."
                ) : url === null ? (
                  <CopyText label="location of the checkpoint" text={checkpoint.location} />
                ) : (
                  <a className="break-all text-accent underline underline-offset-2" href={url} rel="noreferrer" target="_blank">
                    {checkpoint.location}
                  </a>
                )}
                <span className="block text-sm text-muted">
                  Of epoch {formatNumber(checkpoint.epoch)}.{" "}
                  {checkpoint.parameterHash === parameterHash ? "Its hash is the agreed one." : "A newer hash has been agreed since."}
                </span>
              </>
            )}
          </dd>
        </div>
        {scored?.evals !== undefined && (
          <div>
            <dt className="text-sm text-muted">How it scores (step {formatNumber(scored.step)}, as one witness says)</dt>
            <dd>{scored.evals.map(([name, score]) => scoreText(name, score)).join("; ")}</dd>
          </div>
        )}
        {sample !== undefined && (
          <div>
            <dt className="text-sm text-muted">What it writes (step {formatNumber(sample.step)}, as one witness says)</dt>
            <dd>
              <blockquote className="mt-1 rounded-lg bg-sunken p-3 font-mono text-sm break-words whitespace-pre-wrap">
                {sample.sampleText}
              </blockquote>
            </dd>
          </div>
        )}
      </dl>
    </Card>
  );
}

/** The held-out text has a perplexity, from 1 on; tasks have a share of right answers. */
function scoreText(name: string, score: number): string {
  return name === "heldout" ? `perplexity ${score.toPrecision(4)} on held-out text` : `${name} ${(100 * score).toFixed(1)} %`;
}
