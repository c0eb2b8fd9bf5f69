/** A transaction's signature: a link where config.json names an explorer, else a text to copy. */
import { useChain } from "../chain/useChain.ts";
import { shortAddress } from "../lib/format.ts";
import { CopyText, ExternalIcon } from "../ui/index.ts";

export function TransactionLink({ signature }: { signature: string }) {
  const { explorerUrl } = useChain().cluster;
  const short = <span className="font-mono text-[0.925em]">{shortAddress(signature)}</span>;
  if (explorerUrl === undefined)
    return (
      <CopyText label={`transaction ${shortAddress(signature)}`} text={signature}>
        {short}
      </CopyText>
    );
  return (
    <a
      className="inline-flex items-center gap-1 text-accent underline underline-offset-2"
      href={explorerUrl.replace("{signature}", encodeURIComponent(signature))}
      rel="noreferrer"
      target="_blank"
    >
      {short}
      <ExternalIcon className="size-3.5" />
      <span className="sr-only">(opens in a new tab)</span>
    </a>
  );
}
