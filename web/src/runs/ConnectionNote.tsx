/** How fresh what is shown is. Nothing where all is well. */
import { Alert, RelativeTime } from "../ui/index.ts";
import type { Connection } from "../watch/protocol.ts";

export interface ConnectionNoteProps {
  connection: Connection;
  /** what it is a connection to, where a page shows several */
  label?: string;
  /** something is shown already: connecting is then no news */
  hasData: boolean;
}

export function ConnectionNote({ connection, label, hasData }: ConnectionNoteProps) {
  const say = (text: string): string => (label === undefined ? text.charAt(0).toUpperCase() + text.slice(1) : `${label}: ${text}`);
  switch (connection.kind) {
    case "live":
      if (connection.text === null) return null;
      return (
        <Alert title={say("live, by a detour")} tone="info">
          {connection.text}.
        </Alert>
      );
    case "connecting":
      if (hasData || !connection.isFailing) return null;
      return (
        <Alert title={say("not reached yet")} tone="warn">
          {connection.text}
        </Alert>
      );
    case "stale":
      return (
        <Alert
          title={
            <>
              {say("out of date: last heard")} <RelativeTime ms={connection.sinceMs} />
            </>
          }
          tone="warn"
        >
          {connection.text} The figures go on by themselves.
        </Alert>
      );
    case "missing":
      return (
        <Alert title={say("not there")} tone="warn">
          {connection.text}
        </Alert>
      );
    case "refused":
      return (
        <Alert title={say("cannot be followed")} tone="bad">
          {connection.text}
        </Alert>
      );
    default:
      return connection satisfies never;
  }
}

/** "live", "out of date"... beside a title. Never a colour alone. */
export function connectionWord(connection: Connection): { label: string; tone: "good" | "warn" | "bad" | "neutral" } {
  switch (connection.kind) {
    case "live":
      return { label: "Live", tone: "good" };
    case "connecting":
      return { label: "Connecting", tone: "neutral" };
    case "stale":
      return { label: "Out of date", tone: "warn" };
    case "missing":
      return { label: "Not there", tone: "warn" };
    case "refused":
      return { label: "Not followed", tone: "bad" };
    default:
      return connection satisfies never;
  }
}
