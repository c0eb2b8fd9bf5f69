/** A Solana cluster of one inside this process: Surfpool with our programs deployed, funded wallets, and a mint where one is asked for. */
import { join, resolve } from "node:path";
import { createSolanaRpc, generateKeyPairSigner, type Address, type KeyPairSigner } from "@solana/kit";
import { HostError } from "../errors.ts";
import { makeFolder } from "../platform/folders.ts";
import { deploy, type ProgramFile } from "./deploy.ts";
import { fillBuffer } from "./fillBuffer.ts";
import { forward, type Forward } from "./forward.ts";
import { createMint } from "./mint.ts";
import { programFiles, type ProgramName } from "./programFiles.ts";
import { Sender } from "./sender.ts";
import { startSurfnet, type Surfnet } from "./surfpool.ts";
import { keyFile } from "./wallets.ts";

const LAMPORTS_PER_SOL = 1_000_000_000n;
const DRAIN_EVERY_MS = 1_000;
/** pairs of ports tried where any will do */
const PORT_TRIES = 20;
const HOST = "127.0.0.1";

export interface ValidatorOptions {
  /** RPC; its websocket is the next one. 0 = any two free ones in a row */
  rpcPort?: number;
  slotMs?: number;
  /** wallets with `walletSol` each, as key files wallet-1.json ... in `folder`; existing files are used again */
  wallets?: number;
  walletSol?: number;
  /** create a mint whose supply the first wallet holds */
  mint?: boolean;
  folder: string;
  /** default: the committed ones */
  programs?: ProgramFile[];
  signal?: AbortSignal;
}

export interface Validator {
  /** http://127.0.0.1:PORT */
  rpc: string;
  /** ws://127.0.0.1:PORT + 1 */
  ws: string;
  programs: Record<ProgramName, Address>;
  /** key files */
  wallets: string[];
  /** their keys */
  signers: KeyPairSigner[];
  mint: Address | null;
  fund(address: Address, lamports: bigint): void;
  close(): Promise<void>;
}

/** Errors: HostError bad-option, port-in-use, chain. */
export async function startValidator(options: ValidatorOptions): Promise<Validator> {
  const folder = resolve(options.folder);
  makeFolder(folder);
  const signal = options.signal ?? new AbortController().signal;
  const surfnet = startSurfnet({ offline: true, slotTimeMs: options.slotMs ?? 400, blockProductionMode: "clock" });
  const drain = setInterval(() => surfnet.drainEvents(), DRAIN_EVERY_MS);
  const forwards: Forward[] = [];
  const close = async (): Promise<void> => {
    clearInterval(drain);
    await Promise.all(forwards.map((f) => f.close()));
    surfnet.stop();
  };
  try {
    forwards.push(...(await openPorts(options.rpcPort ?? 0, surfnet)));
    const rpcUrl = `http://${HOST}:${forwards[0]!.port}`;
    const fund = (address: Address, lamports: bigint): void => surfnet.fundSol(address, Number(lamports));

    const deployer = await generateKeyPairSigner();
    fund(deployer.address, 100n * LAMPORTS_PER_SOL);
    const sender = new Sender(createSolanaRpc(rpcUrl), deployer, signal);
    const files = options.programs ?? (await programFiles());
    await Promise.all(
      files.map(async (program) => {
        await fillBuffer(rpcUrl, sender, program);
        await deploy(sender, program);
      }),
    );
    // a program can be called in the slot after its deployment
    await sender.nextSlot();

    const wallets = Array.from({ length: options.wallets ?? 0 }, (_, i) => join(folder, `wallet-${i + 1}.json`));
    const signers = await Promise.all(wallets.map(keyFile));
    const lamports = BigInt(options.walletSol ?? 100) * LAMPORTS_PER_SOL;
    for (const { address } of signers) fund(address, lamports);
    let mint: Address | null = null;
    if (options.mint === true) {
      const holder = signers[0];
      if (!holder) throw new HostError("bad-option", "--mint needs a wallet that holds its supply: --wallets must be at least 1");
      mint = await createMint(new Sender(sender.rpc, holder, signal), await keyFile(join(folder, "mint.json")));
    }
    const programs = Object.fromEntries(files.map(({ name, key }) => [name, key.address])) as Record<ProgramName, Address>;
    return { rpc: rpcUrl, ws: `ws://${HOST}:${forwards[1]!.port}`, programs, wallets, signers, mint, fund, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** RPC, and its websocket one above it, where clients look for it. Errors: HostError port-in-use. */
async function openPorts(rpcPort: number, { rpcUrl, wsUrl }: Surfnet): Promise<[Forward, Forward]> {
  for (let tried = 1; ; tried++) {
    let rpc: Forward | null = null;
    try {
      rpc = await forward(HOST, rpcPort, Number(new URL(rpcUrl).port));
      return [rpc, await forward(HOST, rpc.port + 1, Number(new URL(wsUrl).port))];
    } catch (cause) {
      await rpc?.close();
      const { code } = cause as NodeJS.ErrnoException;
      if (rpcPort === 0 && tried < PORT_TRIES) continue;
      const port = rpc === null ? rpcPort : rpc.port + 1;
      const why = code === "EADDRINUSE" ? "is in use by another program" : `cannot be listened on (${(cause as Error).message})`;
      throw new HostError(
        "port-in-use",
        `--rpc-port ${rpcPort}: port ${port} ${why}; it takes two, the second for the websocket: choose another one, or 0 for any`,
        { cause },
      );
    }
  }
}
