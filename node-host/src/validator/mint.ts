/** A token for trying rewards out: its whole supply lies in one wallet. */
import type { Address, KeyPairSigner } from "@solana/kit";
import { getCreateAccountInstruction } from "@solana-program/system";
import {
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getInitializeMint2Instruction,
  getMintSize,
  getMintToInstruction,
  TOKEN_PROGRAM_ADDRESS,
} from "@solana-program/token";
import type { Sender } from "./sender.ts";

export const MINT_DECIMALS = 6;
/** a thousand million tokens */
export const MINT_SUPPLY = 1_000_000_000n * 10n ** BigInt(MINT_DECIMALS);

/** Creates `mint` and gives its supply to the sender's wallet, which may also mint more. Errors: HostError chain. */
export async function createMint(sender: Sender, mint: KeyPairSigner): Promise<Address> {
  const { payer } = sender;
  const space = getMintSize();
  const lamports = await sender.ask((rpc, abortSignal) => rpc.getMinimumBalanceForRentExemption(BigInt(space)).send({ abortSignal }));
  const [ata] = await findAssociatedTokenPda({ owner: payer.address, mint: mint.address, tokenProgram: TOKEN_PROGRAM_ADDRESS });
  await sender.send([
    getCreateAccountInstruction({ payer, newAccount: mint, lamports, space, programAddress: TOKEN_PROGRAM_ADDRESS }),
    getInitializeMint2Instruction({ mint: mint.address, decimals: MINT_DECIMALS, mintAuthority: payer.address }),
    getCreateAssociatedTokenIdempotentInstruction({ payer, ata, owner: payer.address, mint: mint.address }),
    getMintToInstruction({ mint: mint.address, token: ata, mintAuthority: payer, amount: MINT_SUPPLY }),
  ]);
  return mint.address;
}
