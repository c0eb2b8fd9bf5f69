/** A token for a test cluster: its mint, whose authority is the wallet, and the first tokens in the wallet's account. */
import { generateKeyPairSigner, type Address, type Instruction, type TransactionSigner } from "@solana/kit";
import { getCreateAccountInstruction } from "@solana-program/system";
import { getInitializeMint2Instruction, getMintSize, getMintToInstruction } from "@solana-program/token";
import { rentLamports } from "../solana/rent.ts";
import { createTokenAccount, readMint, TOKEN_PROGRAM_ADDRESS } from "../solana/tokens.ts";
import { tokenAddress } from "../solana/treasury.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import { unitsOf } from "./treasury.ts";

export interface CreateMintInput {
  /** 0 to 9 are usual */
  decimals: number;
  /** what the wallet shall hold at least */
  initialUnits: bigint;
  /** the mint's key, kept by whoever may have to call this again; default: a new one */
  mint?: TransactionSigner;
  /** told the mint's address before anything is sent: whoever keeps it finds the token again, should this be interrupted */
  onMint?: (mint: Address) => void;
}

export interface CreatedMint {
  mint: Address;
  decimals: number;
  tokenAccount: Address;
  /** null: it was there, with enough in the wallet's account */
  signature: string | null;
}

/** One transaction. Called again with the same key it adds what is missing. Errors: ActionError bad-argument, unfunded, unknown-outcome, cancelled; ChainError. */
export async function createMint(chain: Chain, wallet: TransactionSigner, input: CreateMintInput): Promise<CreatedMint> {
  const { decimals, initialUnits } = input;
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 18)
    throw new ActionError("bad-argument", `a token has 0 to 18 decimals, not ${decimals}`);
  const key = input.mint ?? (await generateKeyPairSigner());
  const mint = key.address;
  input.onMint?.(mint);
  const collateral = { mint, tokenProgram: TOKEN_PROGRAM_ADDRESS };
  const tokenAccount = await tokenAddress(wallet.address, collateral);
  const found = await chain.account(mint);
  const present = found && readMint(found);
  if (found !== null && present === null)
    throw new ActionError("bad-argument", `the account at ${mint} belongs to ${found.owner} and is no mint`);
  chain.decimals.set(mint, present?.decimals ?? decimals);
  const instructions: Instruction[] = [];
  if (present === null) {
    const space = getMintSize();
    const lamports = rentLamports(space);
    await chain.requireFunds(wallet.address, 2n * lamports, "a token");
    instructions.push(
      getCreateAccountInstruction({ payer: wallet, newAccount: key, lamports, space, programAddress: TOKEN_PROGRAM_ADDRESS }),
      getInitializeMint2Instruction({ mint, decimals, mintAuthority: wallet.address }),
    );
  }
  const { units } = await unitsOf(chain, wallet.address, collateral);
  const missing = initialUnits - (units ?? 0n);
  if (missing > 0n)
    instructions.push(
      createTokenAccount({ payer: wallet, ata: tokenAccount, owner: wallet.address, ...collateral }),
      getMintToInstruction({ mint, token: tokenAccount, mintAuthority: wallet, amount: missing }),
    );
  const signature = instructions.length === 0 ? null : await chain.send(instructions, wallet, "create a token for tests");
  return { mint, decimals: present?.decimals ?? decimals, tokenAccount, signature };
}
