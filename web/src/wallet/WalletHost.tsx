/** Stands once in the app: the dialog, and the edge as soon as a wallet is wanted. */
import { lazy, Suspense, useEffect, useState, type ComponentType } from "react";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import type { EdgeProps } from "./edge.ts";
import { changeWallet, useWalletSnapshot, useWalletWanted } from "./store.ts";

const WalletDialog = lazy(() => import("./WalletDialog.tsx"));

const NOT_LOADED = "The part of this page that talks to wallets could not be loaded. Check the connection.";

export function WalletHost() {
  const { clusters } = useRuntimeConfig();
  const wanted = useWalletWanted();
  const { status } = useWalletSnapshot();
  const [Edge, setEdge] = useState<ComponentType<EdgeProps> | null>(null);
  const isMissing = wanted && Edge === null && status === "loading" && clusters.length > 0;
  useEffect(() => {
    if (!isMissing) return;
    let isHere = true;
    import("./edge.ts").then(
      (edge) => isHere && setEdge(() => edge.default),
      () => isHere && changeWallet({ status: "none", error: NOT_LOADED }),
    );
    return () => {
      isHere = false;
    };
  }, [isMissing]);
  useEffect(() => {
    // nothing to connect to, whatever an earlier visit remembered
    if (clusters.length === 0) changeWallet({ status: "none" });
  }, [clusters]);
  if (clusters.length === 0) return null;
  return (
    <>
      {wanted && (
        <Suspense>
          <WalletDialog />
        </Suspense>
      )}
      {Edge !== null && <Edge chain={clusters[0].chain} />}
    </>
  );
}
