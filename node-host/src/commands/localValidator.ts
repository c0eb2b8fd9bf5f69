/** `starling local-validator`: a Solana cluster on this machine with the three programs, until it is told to end. */
import type { OptionsOf, localValidatorOptions } from "@starling/config";
import { EXIT_CODES } from "../errors.ts";
import type { HostEvent } from "../events.ts";
import { listenForStop } from "../platform/parent.ts";
import { startValidator } from "../validator/validator.ts";

export async function localValidator(options: OptionsOf<typeof localValidatorOptions>): Promise<number> {
  const stop = listenForStop();
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  say("starts Surfpool and deploys the programs, which takes some seconds ...");
  const { rpcPort, slotMs, wallets, walletSol, mint, dir: folder } = options;
  const started = startValidator({ rpcPort, slotMs, wallets, walletSol, mint, folder, signal: stop.signal });
  const validator = await started.catch((error: unknown) => {
    if (stop.signal.aborted) return null;
    throw error;
  });
  if (validator === null) return EXIT_CODES.ok;
  const { rpc, ws, programs } = validator;
  const ready: HostEvent = { type: "validator", rpc, ws, programs, wallets: validator.wallets, mint: validator.mint };
  if (options.json) process.stdout.write(`${JSON.stringify(ready)}\n`);
  else {
    say(`RPC ${rpc}, websocket ${ws}`);
    for (const [name, id] of Object.entries(programs)) say(`program ${name} ${id}`);
    for (const [i, file] of validator.wallets.entries()) say(`wallet ${validator.signers[i]!.address}, ${walletSol} SOL, key in ${file}`);
    if (validator.mint !== null) say(`mint ${validator.mint}, 6 decimals; the first wallet holds its supply`);
    say("Ctrl-C ends it, and everything on it is forgotten");
  }
  await stop.requested;
  await validator.close();
  return EXIT_CODES.ok;
}
