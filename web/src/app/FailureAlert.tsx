import { useEffect, useState } from "react";
import type { Explanation } from "../lib/explain.ts";
import { Alert, Button } from "../ui/index.ts";

export interface FailureAlertProps {
  error: unknown;
  /** left out: the failure's own */
  title?: string;
  button: string;
  busy?: boolean;
  onPress(): void;
}

/** What went wrong, where nothing else can be shown. The sentences of all failures are loaded with the first: until then, its own words. */
export function FailureAlert({ error, title, button, busy, onPress }: FailureAlertProps) {
  const [words, setWords] = useState<{ of: unknown; explanation: Explanation } | null>(null);
  useEffect(() => {
    let isHere = true;
    import("../lib/explain.ts").then(
      ({ explain }) => isHere && setWords({ of: error, explanation: explain(error) }),
      // what failed may be that parts of this page cannot be loaded
      () => undefined,
    );
    return () => {
      isHere = false;
    };
  }, [error]);
  const explanation = words !== null && words.of === error ? words.explanation : null;
  return (
    <Alert
      action={
        <Button busy={busy} onClick={onPress} size="small">
          {button}
        </Button>
      }
      title={title ?? explanation?.title ?? "Something went wrong"}
      tone="bad"
    >
      {explanation?.text ?? (error instanceof Error ? error.message : String(error))}
    </Alert>
  );
}
