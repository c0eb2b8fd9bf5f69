/** The end of a run: what stands against it, what comes back. */
import { closeRun, type ClosedRun } from "@starling/sdk/actions/closeRun";
import { useState } from "react";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { useAction } from "../../chain/useAction.ts";
import { formatSol, formatUnits } from "../../lib/format.ts";
import { Button, Card, Dialog, Field, GoodIcon, showToast, TextInput, WarnIcon } from "../../ui/index.ts";
import type { TabProps } from "../ManagePage.tsx";
import { stateWords } from "../stateWords.ts";

export function CloseTab({ managed, run, refresh }: TabProps) {
  const { treasury, unit, decimals } = managed;
  const action = useAction<ClosedRun>();
  const [isAsked, setAsked] = useState(false);
  const [typed, setTyped] = useState("");
  const words = stateWords(run);
  const { unclaimedPoints } = run.account;
  const send = (): void => {
    setAsked(false);
    void action
      .run(({ chain, wallet, tell }) => closeRun(chain, wallet, { runId: run.runId }, tell))
      .then((result) => {
        if (result === null) return;
        // this tab goes with the run
        showToast({
          tone: "good",
          title: `Run ${run.runId} is closed`,
          text: `${formatSol(result.returnedLamports)} came back to your wallet.`,
        });
        refresh();
      });
  };
  const conditions = [
    {
      isMet: words.isHalted,
      text: words.isHalted ? "The run is halted." : `The run is not halted: it is ${words.label.toLowerCase()}. Pause it first.`,
    },
    treasury === null
      ? {
          isMet: true,
          text:
            unclaimedPoints === 0n
              ? "Nobody has points."
              : `Members have ${formatUnits(unclaimedPoints, decimals)} ${unit}, which are void then.`,
        }
      : {
          isMet: unclaimedPoints === 0n,
          text:
            unclaimedPoints === 0n
              ? "All that was booked is claimed."
              : `Members have not claimed ${formatUnits(unclaimedPoints, decimals)} tokens yet: they have 90 days from the halt.`,
        },
  ];
  return (
    <Card description="A closed run is gone: nobody can claim or train any more." title="Close the run">
      <div className="space-y-5">
        <div>
          <h3 className="font-medium">What it takes</h3>
          <ul className="mt-2 space-y-2">
            {conditions.map(({ isMet, text }) => (
              <li className="flex gap-2" key={text}>
                {isMet ? <GoodIcon className="mt-0.5 text-good" /> : <WarnIcon className="mt-0.5 text-warn" />}
                <span>
                  <span className="sr-only">{isMet ? "Met: " : "Not met: "}</span>
                  {text}
                </span>
              </li>
            ))}
          </ul>
        </div>
        <div>
          <h3 className="font-medium">What comes back</h3>
          <ul className="mt-2 list-disc space-y-1 pl-5 marker:text-muted">
            <li>The deposits of its accounts: {formatSol(run.lamports)} of the run itself, and those of its tables.</li>
            {treasury !== null && (
              <li>
                Then, by one more transaction, what the treasury still holds: now {formatUnits(treasury.vaultUnits, decimals)} tokens.
              </li>
            )}
          </ul>
        </div>
        <ActionStatus action={action} onRetry={send} />
        <Button busy={action.isBusy} disabled={!words.isHalted} onClick={() => setAsked(true)} variant="danger">
          Close the run
        </Button>
      </div>
      <Dialog
        footer={
          <>
            <Button onClick={() => setAsked(false)}>Keep it</Button>
            <Button disabled={typed !== run.runId} onClick={send} variant="danger">
              Close it for good
            </Button>
          </>
        }
        onClose={() => setAsked(false)}
        open={isAsked}
        title={`Close ${run.runId}?`}
      >
        <Field hint="This cannot be undone." label={`Type ${run.runId} to go on`}>
          <TextInput onChange={(event) => setTyped(event.target.value)} value={typed} />
        </Field>
      </Dialog>
    </Card>
  );
}
