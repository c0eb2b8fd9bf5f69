/** Two tabs have one draft: whoever is later is told, and says which of the two stays. */
import { Alert, Button, RelativeTime } from "../ui/index.ts";
import type { Draft } from "./drafts/draft.ts";

export function OvertakenAlert({ theirs, useTheirs, keepOurs }: { theirs: Draft; useTheirs(): void; keepOurs(): void }) {
  return (
    <div className="mb-6">
      <Alert
        action={
          <div className="flex flex-wrap gap-2">
            <Button onClick={useTheirs} size="small">
              Show the other tab's
            </Button>
            <Button onClick={keepOurs} size="small" variant="danger">
              Keep what is here
            </Button>
          </div>
        }
        title="Another tab has changed this draft"
        tone="warn"
      >
        It wrote <RelativeTime ms={theirs.updatedMs} />; since then nothing that is typed here is kept. Choose which of the two stays. What
        either has sent is remembered in any case.
      </Alert>
    </div>
  );
}
