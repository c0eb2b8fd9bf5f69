import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getBase58Decoder } from "@solana/kit";
import { generateKeypair } from "@starling/network";
import { afterAll, expect, test } from "vitest";
import { HostError } from "../errors.ts";
import { parsePrivateKey, readWallet } from "./keyFile.ts";

const folder = mkdtempSync(join(tmpdir(), "starling-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const seed = crypto.getRandomValues(new Uint8Array(32));
const { publicKey } = generateKeypair(seed);
const address = getBase58Decoder().decode(publicKey);
const whole = Uint8Array.from([...seed, ...publicKey]);

test("every form of a key is the same key", async () => {
  const forms = [
    JSON.stringify([...whole]),
    ` ${JSON.stringify([...whole], null, 1)}\r\n`,
    JSON.stringify([...seed]),
    getBase58Decoder().decode(whole),
    `"${getBase58Decoder().decode(whole)}"\n`,
    getBase58Decoder().decode(seed),
  ];
  for (const form of forms) expect((await parsePrivateKey(form, "key")).address).toBe(address);
});

test("the environment's key wins over the file", async () => {
  const otherSeed = crypto.getRandomValues(new Uint8Array(32));
  const path = join(folder, "wallet.json");
  writeFileSync(path, JSON.stringify([...whole]));
  const raw = getBase58Decoder().decode(otherSeed);
  expect((await readWallet({ walletPrivateKeyPath: path, rawWalletPrivateKey: undefined })).address).toBe(address);
  expect((await readWallet({ walletPrivateKeyPath: path, rawWalletPrivateKey: raw })).address).toBe(
    getBase58Decoder().decode(generateKeypair(otherSeed).publicKey),
  );
});

test("bad keys are named, and never shown", async () => {
  const wrongHalf = Uint8Array.from(whole, (byte, i) => (i === 40 ? byte ^ 1 : byte));
  const table: [text: string, why: string][] = [
    ["", "is empty"],
    ["[1,2,3", "is none"],
    [JSON.stringify([...whole.slice(1)]), "holds 63 bytes"],
    [JSON.stringify([...seed, 256]), "whole numbers from 0 to 255"],
    [JSON.stringify([...seed.slice(1), 0.5]), "whole numbers from 0 to 255"],
    [JSON.stringify([...seed.slice(1), "7"]), "whole numbers from 0 to 255"],
    [JSON.stringify([...wrongHalf]), "public half does not belong"],
    [getBase58Decoder().decode(wrongHalf), "public half does not belong"],
    ["0OIl", "or base58"],
    ["{}", "or base58"],
    ["2".repeat(200), "or base58"],
    ["abc", "holds 3 bytes"],
  ];
  for (const [text, why] of table) {
    const error = await parsePrivateKey(text, "wallet.json").then(
      () => expect.unreachable(text),
      (thrown: unknown) => thrown as HostError,
    );
    expect(error).toBeInstanceOf(HostError);
    expect(error.message).toContain(`wallet.json: `);
    expect(error.message).toContain(why);
    expect(error.cause).toBeUndefined();
    if (text.length > 8) expect(error.message).not.toContain(text.slice(1, 9));
  }
  await expect(readWallet({ walletPrivateKeyPath: join(folder, "none"), rawWalletPrivateKey: undefined })).rejects.toThrow(
    "cannot be read",
  );
  await expect(readWallet({ walletPrivateKeyPath: undefined, rawWalletPrivateKey: undefined })).rejects.toThrow("needs a private key");
});
