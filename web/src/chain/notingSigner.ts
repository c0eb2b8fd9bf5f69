/** A wallet's signer that tells each signature before anything is sent; null when it is asked for the next one: what became of the last is known. */
import { getSignatureFromTransaction, type TransactionModifyingSigner } from "@solana/kit";

export function notingSigner(signer: TransactionModifyingSigner, note: (signature: string | null) => void): TransactionModifyingSigner {
  return {
    ...signer,
    async modifyAndSignTransactions(transactions, config) {
      note(null);
      const signed = await signer.modifyAndSignTransactions(transactions, config);
      for (const one of signed) note(getSignatureFromTransaction(one));
      return signed;
    },
  };
}
