/** Gives the pages inside it a cluster's connection, once its chunk is loaded. */
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode } from "react";
import { explain } from "../lib/explain.ts";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { Alert, Button, Skeleton } from "../ui/index.ts";
import { NetworkNotice } from "./NetworkNotice.tsx";
import type { ClusterConnection } from "./types.ts";

export const ConnectionContext = createContext<ClusterConnection | null>(null);

export interface ChainGateProps {
  /** name of a cluster in config.json */
  cluster: string;
  children: ReactNode;
  /** stands meanwhile */
  fallback?: ReactNode;
  /** another gate of the page says what is wrong with the network */
  isQuiet?: boolean;
}

export function ChainGate({ cluster: name, children, fallback, isQuiet = false }: ChainGateProps) {
  const { clusters } = useRuntimeConfig();
  const cluster = clusters.find((one) => one.name === name);
  const connection = useQuery({
    queryKey: ["cluster", name],
    enabled: cluster !== undefined,
    queryFn: async () => (await import("./connect.ts")).connectCluster(cluster!),
    staleTime: Infinity,
    gcTime: Infinity,
    // not data: an object with a life of its own
    structuralSharing: false,
  });
  if (cluster === undefined)
    return (
      <Alert title={`This page knows no network "${name}"`} tone="bad">
        Those it knows are in config.json beside it: {clusters.map((one) => one.name).join(", ") || "none"}.
      </Alert>
    );
  if (connection.data)
    return (
      <ConnectionContext value={connection.data}>
        {!isQuiet && <NetworkNotice connection={connection.data} />}
        {children}
      </ConnectionContext>
    );
  if (connection.error)
    return (
      <Alert
        action={
          <Button busy={connection.isFetching} onClick={() => void connection.refetch()} size="small">
            Try again
          </Button>
        }
        title="The part of this page that talks to the chain could not be loaded"
        tone="bad"
      >
        {explain(connection.error).text}
      </Alert>
    );
  return fallback ?? <Skeleton className="h-40 w-full" />;
}
