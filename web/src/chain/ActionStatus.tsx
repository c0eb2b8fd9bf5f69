/** How far an action is, and what became of it: put it beside the button that starts it. */
import type { ReactNode } from "react";
import { explain, type Explanation } from "../lib/explain.ts";
import { Alert, Button, ProgressBar, Spinner } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { CarriedOut } from "./CarriedOut.tsx";
import type { ActionHandle } from "./useAction.ts";

export interface ActionStatusProps<T> {
  action: ActionHandle<T>;
  /** what "Try again" and "Check again" do: the same `run` once more; actions do not repeat what is done already */
  onRetry?(): void;
  /** shown when it is done */
  done?(result: T): ReactNode;
}

export function ActionStatus<T>({ action, onRetry, done }: ActionStatusProps<T>) {
  const { state } = action;
  return (
    <div>
      {/* the region is there before its words are, or they would not be read out; what comes after speaks for itself */}
      <div aria-live="polite">{state.status === "busy" && <Busy action={action} />}</div>
      {state.status === "failed" && <Failure error={state.error} onRetry={state.isFromBefore === true ? action.look : onRetry} />}
      {state.status === "done" && done?.(state.result)}
      {state.status === "done-before" && <CarriedOut />}
    </div>
  );
}

function Busy<T>({ action }: { action: ActionHandle<T> }) {
  const { signing, name } = useWallet();
  const progress = action.state.status === "busy" ? action.state.progress : null;
  const text = signing ? `Approve it in ${name ?? "your wallet"}` : (progress?.text ?? "Asking the network");
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 rounded-lg border border-line bg-sunken p-3 sm:px-4">
      <div className="flex min-w-0 grow items-center gap-3">
        <Spinner className="text-accent" />
        {progress !== null && progress.of !== null && progress.of > 1 ? (
          <div className="min-w-0 grow">
            <ProgressBar label={text} max={progress.of} text={`${progress.step} of ${progress.of}`} value={progress.step - 1} />
          </div>
        ) : (
          <span className="min-w-0">{text}</span>
        )}
      </div>
      <Button onClick={action.stop} size="small">
        Stop waiting
      </Button>
    </div>
  );
}

/** An error in its sentence, with the one button that helps. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?(): void }) {
  const { open } = useWallet();
  const explanation = explain(error);
  return (
    <Alert
      action={<Remedy explanation={explanation} onConnect={open} onRetry={onRetry} />}
      title={explanation.title}
      tone={explanation.tone}
    >
      {explanation.text}
    </Alert>
  );
}

function Remedy({ explanation, onConnect, onRetry }: { explanation: Explanation; onConnect(): void; onRetry?(): void }) {
  switch (explanation.action) {
    case "connect":
      return (
        <Button onClick={onConnect} size="small">
          Connect wallet
        </Button>
      );
    case "check-again":
    case "retry":
    case "switch-network":
      if (onRetry === undefined) return null;
      return (
        <Button onClick={onRetry} size="small">
          {explanation.action === "check-again" ? "Check again" : "Try again"}
        </Button>
      );
    case undefined:
      return null;
    default:
      return explanation.action satisfies never;
  }
}
