/** Tells the wizard the decimals of the mint that was picked. Draws nothing. */
import { useEffect } from "react";
import { useMint } from "./useMint.ts";

/** Inside of ChainGate. */
export default function MintReader({ mint, onDecimals }: { mint: string; onDecimals(decimals: number | null): void }) {
  const { data } = useMint(mint);
  const decimals = data?.decimals ?? null;
  useEffect(() => onDecimals(decimals), [decimals, onDecimals]);
  return null;
}
