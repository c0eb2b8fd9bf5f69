import { shortAddress } from "../lib/format.ts";
import { ExternalIcon } from "./icons.tsx";
import { CopyText } from "./text.tsx";

export interface TransactionTextProps {
  signature: string;
  /** of config.json, with {signature} */
  explorerUrl: string | undefined;
}

/** A transaction's signature: a link where an explorer is known, else a text to copy. */
export function TransactionText({ signature, explorerUrl }: TransactionTextProps) {
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
