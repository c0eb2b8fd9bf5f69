/**
 * A program's buffer, as the loader would have it after all its writes, put there by Surfpool at once: hundreds of transactions take it
 * half a minute on a busy machine. What follows, the deployment, is the loader's own.
 */
import { getAddressEncoder } from "@solana/kit";
import { HostError } from "../errors.ts";
import { bufferOf, rent, type ProgramFile } from "./deploy.ts";
import { BUFFER_HEADER_BYTES, LOADER_ADDRESS } from "./loader.ts";
import { REQUEST_LIMIT_MS, type Sender } from "./sender.ts";

const BUFFER_STATE = 1;

/** Errors: HostError chain. */
export async function fillBuffer(rpcUrl: string, sender: Sender, { name, key, bytes }: ProgramFile): Promise<void> {
  const { at } = await bufferOf(sender, key.address, bytes);
  const data = Buffer.alloc(BUFFER_HEADER_BYTES + bytes.length);
  data.writeUInt32LE(BUFFER_STATE, 0);
  data.writeUInt8(1, 4); // it has an authority
  data.set(getAddressEncoder().encode(sender.payer.address), 5);
  data.set(bytes, BUFFER_HEADER_BYTES);
  const lamports = Number(await rent(sender, data.length));
  const account = { lamports, owner: LOADER_ADDRESS, executable: false, data: data.toString("hex") };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "surfnet_setAccount", params: [at, account] });
  const answer = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: sender.within(REQUEST_LIMIT_MS),
  });
  const { error } = (await answer.json()) as { error?: { message: string } };
  if (error) throw new HostError("chain", `the local validator does not take the program ${name}: ${error.message}`);
}
