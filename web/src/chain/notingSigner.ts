/** A wallet's signer that tells each signature before anything is sent. */
import { getSignatureFromTransaction, type TransactionModifyingSigner } from "@solana/kit";

export function notingSigner(signer: TransactionModifyingSigner, note: (signature: string) => void): TransactionModifyingSigner {
  return {
    ...signer,
    async modifyAndSignTransactions(transactions, config) {
      const signed = await signer.modifyAndSignTransactions(transactions, config);
      for (const one of signed) note(getSignatureFromTransaction(one));
      return signed;
    },
  };
}
