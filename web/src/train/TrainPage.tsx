/** Joining a run with this tab, and watching it train. */
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { Link, useParams } from "react-router";
import { ChainGate } from "../chain/ChainGate.tsx";
import { findSource, useRuntimeConfig, type RuntimeConfig, type Source } from "../lib/runtimeConfig.ts";
import { Alert, Button, Card, EmptyState, LinkButton, Skeleton } from "../ui/index.ts";
import { useRun } from "../watch/useWatch.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { ensureIdentity, findTraining, ownerIn, type IdentityRecord } from "../worker/store/identityStore.ts";
import { AdapterCard } from "./AdapterCard.tsx";
import { judgeAdapter, readBrowser, type AdapterVerdict, type BrowserFacts } from "./adapter.ts";
import { identityOf, placeOf, startRequest } from "./startRequest.ts";
import { startTraining, trainingStore, type Training } from "./training.ts";
import { isOver } from "./trainingView.ts";
import { TrainingPanel } from "./TrainingPanel.tsx";
import { useNeed } from "./useNeed.ts";

// the chain is not loaded for a run that needs none
const JoinByWallet = lazy(() => import("./JoinByWallet.tsx"));
const SessionCard = lazy(() => import("./SessionCard.tsx"));

export default function TrainPage() {
  const { source: name = "", runId = "" } = useParams();
  const config = useRuntimeConfig();
  const source = findSource(config, name);
  const path = `/run/${name}/${encodeURIComponent(runId)}`;
  return (
    <div className="space-y-5">
      <title>{`Train ${runId} · Starling`}</title>
      <header className="space-y-2">
        <Link className="text-sm text-muted underline-offset-2 hover:underline" to={path}>
          The run {runId}
        </Link>
        <h1 className="text-2xl font-semibold break-words">Train {runId} in this tab</h1>
        <p className="max-w-prose">
          This computer works on a share of each round's text and exchanges small updates with the run's other members. Data that you see
          elsewhere in your browser are never touched; the work stops when you stop it or close the tab.
        </p>
      </header>
      {source === null ? (
        <EmptyState action={<LinkButton to="/">See all runs</LinkButton>} title={`This page knows no network "${name}"`} />
      ) : (
        <Place config={config} key={`${name} ${runId}`} runId={runId} source={source} />
      )}
    </div>
  );
}

function Place({ config, source, runId }: { config: RuntimeConfig; source: Source; runId: string }) {
  const training = useSyncExternalStore(trainingStore.subscribe, trainingStore.get);
  const isHere = training !== null && training.source === source.name && training.runId === runId;
  const elsewhere = training !== null && !isHere && !isOver(training.view.state) ? training : null;
  const resumed = useResume(config, source, runId, elsewhere !== null);
  if (elsewhere !== null) {
    return (
      <Alert
        action={<LinkButton to={`/run/${elsewhere.source}/${encodeURIComponent(elsewhere.runId)}/train`}>Go there</LinkButton>}
        title={`This tab trains in the run ${elsewhere.runId}`}
        tone="warn"
      >
        One run at a time: leave that one first, or open this page in another tab.
      </Alert>
    );
  }
  const isTraining = isHere && !isOver(training.view.state);
  return (
    <>
      {isHere && <TrainingPanel training={training} />}
      {!isTraining &&
        (resumed === "looking" ? <Skeleton className="h-40 w-full" /> : <Join config={config} runId={runId} source={source} />)}
      {source.kind === "chain" && <Session isTraining={isTraining} runId={runId} source={source} training={isHere ? training : null} />}
    </>
  );
}

/** Goes on by itself where this browser was training when the page was closed: the permission lasts, no signature is needed. */
function useResume(config: RuntimeConfig, source: Source, runId: string, isBusy: boolean): "looking" | "done" {
  const [state, setState] = useState<"looking" | "done">("looking");
  useEffect(() => {
    let isGone = false;
    const look = async (): Promise<void> => {
      const current = trainingStore.get();
      if (isBusy || current !== null) return;
      const record = await findTraining(placeOf(source), runId);
      if (record === null || isGone || trainingStore.get() !== null) return;
      startTraining({ source: source.name, runId }, startRequest(config, source, runId, record));
    };
    look()
      .catch(() => undefined) // a browser that keeps nothing has nothing to go on with
      .finally(() => {
        if (!isGone) setState("done");
      });
    return () => {
      isGone = true;
    };
  }, [config, source, runId, isBusy]);
  return state;
}

function Join({ config, source, runId }: { config: RuntimeConfig; source: Source; runId: string }) {
  const { view } = useRun(source.name, runId);
  const need = useNeed(view?.config?.toml ?? null);
  const [browser, setBrowser] = useState<BrowserFacts | null>(null);
  useEffect(() => void readBrowser().then(setBrowser), []);
  const verdict: AdapterVerdict | null = browser && judgeAdapter(browser, need.kind === "known" ? need.need : null);
  const canTrain = verdict?.kind === "fine" && need.kind !== "refused";
  const checkAgain = (): void => {
    setBrowser(null);
    void readBrowser().then(setBrowser);
  };
  return (
    <>
      <AdapterCard need={need} onCheckAgain={checkAgain} verdict={verdict} />
      {source.kind === "chain" ? (
        <ChainGate cluster={source.name}>
          <Suspense fallback={<Skeleton className="h-40 w-full" />}>
            <JoinByWallet canTrain={canTrain} config={config} runId={runId} source={source} />
          </Suspense>
        </ChainGate>
      ) : (
        <JoinWithoutWallet canTrain={canTrain} config={config} runId={runId} source={source} />
      )}
    </>
  );
}

function JoinWithoutWallet({
  config,
  source,
  runId,
  canTrain,
}: {
  config: RuntimeConfig;
  source: Source;
  runId: string;
  canTrain: boolean;
}) {
  const [problem, setProblem] = useState<string | null>(null);
  const join = async (): Promise<void> => {
    try {
      const record: IdentityRecord = await ensureIdentity(identityOf(source, runId, ""));
      startTraining({ source: source.name, runId }, startRequest(config, source, runId, record));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <Card title="Join">
      <div className="space-y-4">
        <p className="max-w-prose">
          This run has a coordinator of its own and needs no wallet: the browser makes its keys, keeps them for the next time, and points
          are counted by the coordinator.
        </p>
        <Button disabled={!canTrain} onClick={() => void join()} variant="primary">
          Join and train
        </Button>
        {problem !== null && (
          <Alert title="It could not begin" tone="bad">
            {problem}
          </Alert>
        )}
      </div>
    </Card>
  );
}

function Session({
  source,
  runId,
  training,
  isTraining,
}: {
  source: Source;
  runId: string;
  training: Training | null;
  isTraining: boolean;
}) {
  const { address: connected } = useWallet();
  const identity = isTraining && training ? training.identity : connected === null ? null : identityOf(source, runId, connected);
  if (identity === null) return null;
  return (
    <ChainGate cluster={source.name} fallback={null} isQuiet={!isTraining}>
      <Suspense fallback={null}>
        <SessionCard cluster={source.name} identity={identity} key={identity} owner={ownerIn(identity)} runId={runId} />
      </Suspense>
    </ChainGate>
  );
}
