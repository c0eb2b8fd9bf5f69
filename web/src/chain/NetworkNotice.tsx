/** Says above a page what is wrong with its network: another one answers, or none. */
import { useSyncExternalStore } from "react";
import { Alert } from "../ui/index.ts";
import type { ClusterConnection } from "./types.ts";

export function NetworkNotice({ connection }: { connection: ClusterConnection }) {
  const status = useSyncExternalStore(connection.subscribe, connection.status);
  const wrong = useSyncExternalStore(connection.subscribe, connection.wrongNetwork);
  const { label, rpcUrls } = connection.cluster;
  const hosts = rpcUrls.map((url) => new URL(url).host).join(", ");
  if (wrong !== null)
    return (
      <Alert title="Wrong network" tone="bad">
        {wrong} Nothing is signed here until that is mended.
      </Alert>
    );
  if (status.url === null)
    return (
      <Alert title={`${label} does not answer`} tone="warn">
        None of its nodes ({hosts}) can be reached; this page keeps trying.
      </Alert>
    );
  return null;
}
