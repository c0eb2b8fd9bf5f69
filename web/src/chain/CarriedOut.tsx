import { Alert } from "../ui/index.ts";

/** In place of an action's result: the attempt before, of which nobody could tell, had done it. */
export function CarriedOut() {
  return (
    <Alert title="It was carried out after all" tone="good">
      The transaction that nobody could tell of is on the chain: nothing was sent a second time.
    </Alert>
  );
}
