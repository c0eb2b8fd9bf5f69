/** A run's authority decides here: pause, configuration, rewards, who may join, what is shown, the end. */
import { useParams, useSearchParams } from "react-router";
import { ChainGate } from "../chain/ChainGate.tsx";
import { Failure } from "../chain/ActionStatus.tsx";
import { findSource, useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { AddressText, Alert, Badge, Button, EmptyState, LinkButton, Skeleton, Tabs } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { AboutTab } from "./tabs/AboutTab.tsx";
import { CloseTab } from "./tabs/CloseTab.tsx";
import { ConfigTab } from "./tabs/ConfigTab.tsx";
import { MembersTab } from "./tabs/MembersTab.tsx";
import { RewardsTab } from "./tabs/RewardsTab.tsx";
import { StateTab } from "./tabs/StateTab.tsx";
import { SurplusCard } from "./SurplusCard.tsx";
import { stateWords } from "./stateWords.ts";
import { useManagedRun, type ManagedRun } from "./useManagedRun.ts";

export default function ManagePage() {
  const { source = "", runId = "" } = useParams();
  const place = findSource(useRuntimeConfig(), source);
  const path = `/run/${source}/${encodeURIComponent(runId)}`;
  return (
    <div className="space-y-5">
      <title>{`Manage ${runId} · Starling`}</title>
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h1 className="text-2xl font-semibold break-words">Manage {runId}</h1>
          <p className="text-muted">{place?.label ?? source}</p>
        </div>
        <LinkButton to={path}>See the run</LinkButton>
      </header>
      {place?.kind === "chain" ? (
        <ChainGate cluster={place.cluster.name}>
          <Managed runId={runId} />
        </ChainGate>
      ) : (
        <EmptyState
          action={
            <LinkButton to="/" variant="primary">
              See all runs
            </LinkButton>
          }
          title={place === null ? "This page knows no such network" : "A run on a server is managed where its server is"}
        >
          {place === null
            ? "The address names a network that is not in config.json beside this page."
            : "Stop the coordinator to pause it, change its config.toml, and start it again: with --save-state-dir it goes on where it was."}
        </EmptyState>
      )}
    </div>
  );
}

function Managed({ runId }: { runId: string }) {
  const { query, refresh } = useManagedRun(runId);
  if (query.isPending) return <Skeleton className="h-60 w-full" />;
  if (!query.data) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <>
      {query.isError && (
        <Alert title="The network does not answer" tone="warn">
          What stands here may be old. It is read again every few seconds.
        </Alert>
      )}
      <Found managed={query.data} refresh={refresh} />
    </>
  );
}

export interface TabProps {
  managed: ManagedRun;
  /** present in every tab that is about a run */
  run: NonNullable<ManagedRun["run"]>;
  /** after an action */
  refresh(): void;
}

const TABS = ["state", "config", "rewards", "members", "about", "close"] as const;
type TabName = (typeof TABS)[number];

function Found({ managed, refresh }: { managed: ManagedRun; refresh(): void }) {
  const wallet = useWallet();
  const [query, setQuery] = useSearchParams();
  const { run, authority, treasury } = managed;
  if (run === null) {
    if (treasury !== null && authority === wallet.address) return <SurplusCard managed={managed} refresh={refresh} />;
    return (
      <EmptyState
        action={
          <LinkButton to="/" variant="primary">
            See all runs
          </LinkButton>
        }
        title={treasury === null ? `There is no run ${managed.runId} here` : `Run ${managed.runId} is closed`}
      >
        {treasury === null
          ? "It was never made on this network, or it was closed."
          : "Its creator can withdraw what its treasury still holds: connect that wallet."}
      </EmptyState>
    );
  }
  const isAuthority = wallet.address !== null && wallet.address === authority;
  const isJoinAuthority = wallet.address !== null && wallet.address === run.account.joinAuthority;
  const isGrantee = managed.grants.some(({ grantee }) => grantee === wallet.address);
  const props: TabProps = { managed, run, refresh };
  const tabs: { value: TabName; label: string; content: React.ReactNode }[] = [
    ...(isAuthority
      ? [
          { value: "state" as const, label: "State", content: <StateTab {...props} /> },
          { value: "config" as const, label: "Configuration", content: <ConfigTab {...props} /> },
          { value: "rewards" as const, label: "Rewards", content: <RewardsTab {...props} /> },
        ]
      : []),
    ...(isAuthority || isJoinAuthority || isGrantee
      ? [{ value: "members" as const, label: "Who may join", content: <MembersTab {...props} isAuthority={isAuthority} /> }]
      : []),
    ...(isAuthority
      ? [
          { value: "about" as const, label: "About", content: <AboutTab {...props} /> },
          { value: "close" as const, label: "Close", content: <CloseTab {...props} /> },
        ]
      : []),
  ];
  const wanted = query.get("tab");
  const tab = tabs.find(({ value }) => value === wanted)?.value ?? tabs[0]?.value;
  const words = stateWords(run);
  return (
    <>
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={words.tone}>{words.label}</Badge>
        <span className="text-muted">{words.about}</span>
      </p>
      {!isAuthority && (
        <NotYours
          authority={authority}
          isConnected={wallet.address !== null}
          joinAuthority={run.account.joinAuthority}
          open={wallet.open}
        />
      )}
      {tab !== undefined && <Tabs label="What to manage" onChange={(value) => setQuery({ tab: value })} tabs={tabs} value={tab} />}
    </>
  );
}

function NotYours({
  authority,
  joinAuthority,
  isConnected,
  open,
}: {
  authority: string | null;
  joinAuthority: string;
  isConnected: boolean;
  open(): void;
}) {
  return (
    <Alert
      action={
        isConnected ? undefined : (
          <Button onClick={open} size="small">
            Connect wallet
          </Button>
        )
      }
      title={isConnected ? "Your wallet may not change this run" : "Connect the wallet that made this run"}
      tone={isConnected ? "warn" : "info"}
    >
      It is changed by <AddressText address={authority ?? ""} label="authority" />
      {joinAuthority === authority ? "." : " alone; "}
      {joinAuthority !== authority && (
        <>
          who may join is decided by <AddressText address={joinAuthority} label="join authority" />.
        </>
      )}
    </Alert>
  );
}
