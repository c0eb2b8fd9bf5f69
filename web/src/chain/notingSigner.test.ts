import { address, getBase58Decoder, type SignatureBytes, type Transaction, type TransactionModifyingSigner } from "@solana/kit";
import { expect, it } from "vitest";
import { notingSigner } from "./notingSigner.ts";

const PAYER = address("Stake11111111111111111111111111111111111111");
const signatureOf = (fill: number): SignatureBytes => new Uint8Array(64).fill(fill) as SignatureBytes;

it("tells each signature before the signed transaction is handed on, and forgets it when the next is asked for", async () => {
  const notes: (string | null)[] = [];
  let fill = 0;
  let notesWhenAsked: (string | null)[] = [];
  const wallet = {
    address: PAYER,
    modifyAndSignTransactions: async (transactions: readonly Transaction[]) => {
      notesWhenAsked = [...notes];
      fill += 1;
      if (fill === 3) throw new Error("declined");
      return transactions.map((one) => ({ ...one, signatures: { [PAYER]: signatureOf(fill) } }));
    },
  } as unknown as TransactionModifyingSigner;
  const signer = notingSigner(wallet, (signature) => notes.push(signature));
  const unsigned = { messageBytes: new Uint8Array(1), signatures: { [PAYER]: null } } as unknown as Transaction;
  const sign = () => signer.modifyAndSignTransactions([unsigned as never]);
  const text = (one: number): string => getBase58Decoder().decode(signatureOf(one));
  expect((await sign())[0]!.signatures[PAYER]).toEqual(signatureOf(1));
  expect(notes).toEqual([null, text(1)]);
  await sign();
  expect(notesWhenAsked).toEqual([null, text(1), null]);
  expect(notes.at(-1)).toBe(text(2));
  // who declines has sent nothing
  await expect(sign()).rejects.toThrow("declined");
  expect(notes.at(-1)).toBeNull();
});
