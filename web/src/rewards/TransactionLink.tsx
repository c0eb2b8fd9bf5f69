/** A transaction of the cluster around. */
import { useChain } from "../chain/useChain.ts";
import { TransactionText } from "../ui/index.ts";

export function TransactionLink({ signature }: { signature: string }) {
  return <TransactionText explorerUrl={useChain().cluster.explorerUrl} signature={signature} />;
}
