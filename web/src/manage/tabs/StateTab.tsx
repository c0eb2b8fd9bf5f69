/** Start, pause, resume. */
import { setPaused, type PausedRun } from "@starling/sdk/actions/setPaused";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { useAction } from "../../chain/useAction.ts";
import { formatNumber } from "../../lib/format.ts";
import { Alert, Button, Card, LinkButton, Stat } from "../../ui/index.ts";
import type { TabProps } from "../ManagePage.tsx";
import { stateWords } from "../stateWords.ts";

export function StateTab({ managed, run, refresh }: TabProps) {
  const action = useAction<PausedRun>();
  const words = stateWords(run);
  const isFinished = run.state?.runState === "Finished";
  const isNew = run.state?.runState === "Uninitialized" || run.state === null;
  const set = (paused: boolean): void =>
    void action.run(({ chain, wallet }) => setPaused(chain, wallet, { runId: run.runId, paused })).then(refresh);
  const { state } = run;
  return (
    <Card level={2} title="State">
      <div className="space-y-5">
        <div className="grid grid-cols-2 gap-4 md:grid-cols-4">
          <Stat label="State" value={words.label} />
          <Stat label="Epoch" value={formatNumber(state?.epoch)} />
          <Stat
            label="Step"
            unit={state === null ? undefined : `of ${formatNumber(state.config.totalSteps)}`}
            value={formatNumber(state?.step)}
          />
          <Stat label="Members" value={formatNumber(managed.members.length)} />
        </div>
        {state === null ? (
          <Alert
            action={
              <LinkButton size="small" to="?tab=config">
                To the configuration
              </LinkButton>
            }
            title="It needs a configuration first"
            tone="info"
          />
        ) : isFinished ? (
          <p className="text-muted">A finished run does not go on. It can be closed once its members have claimed.</p>
        ) : (
          <div className="space-y-4">
            <ActionStatus
              action={action}
              done={(result) => (
                <Alert
                  title={
                    result.pendingPause
                      ? "It pauses once its last rounds are applied"
                      : result.changed
                        ? `The run is ${wordOf(result)}`
                        : "It was so already"
                  }
                  tone="good"
                />
              )}
              onRetry={() => set(!words.isHalted)}
            />
            {words.isHalted ? (
              <Button busy={action.isBusy} onClick={() => set(false)} variant="primary">
                {isNew ? "Start the run" : "Resume the run"}
              </Button>
            ) : state.pendingPause ? (
              <Button busy={action.isBusy} onClick={() => set(false)}>
                Go on after all
              </Button>
            ) : (
              <Button busy={action.isBusy} onClick={() => set(true)}>
                Pause the run
              </Button>
            )}
            <p className="text-sm text-muted">
              {words.isHalted
                ? "Members are let in as soon as it goes on."
                : "Pausing lets the rounds under way end: everything that was agreed is applied, and the epoch is paid."}
            </p>
          </div>
        )}
      </div>
    </Card>
  );
}

const wordOf = ({ state }: PausedRun): string => (state === "Paused" || state === "Uninitialized" ? "paused" : "going on");
