/** A real Surfpool: what `starling local-validator` and `starling deploy-programs` leave on it. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSolanaRpc, generateKeyPairSigner, type Address } from "@solana/kit";
import { findAssociatedTokenPda, TOKEN_PROGRAM_ADDRESS } from "@solana-program/token";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploy, planDeploy, type ProgramFile } from "./deploy.ts";
import { LOADER_ADDRESS } from "./loader.ts";
import { MINT_SUPPLY } from "./mint.ts";
import { programFiles } from "./programFiles.ts";
import { Sender } from "./sender.ts";
import { startValidator, type Validator } from "./validator.ts";

const isHere = process.platform === "linux" && process.arch === "x64";

describe.skipIf(!isHere)("the local validator", () => {
  let folder: string;
  let validator: Validator;
  const rpc = () => createSolanaRpc(validator.rpc);
  const sender = () => new Sender(rpc(), validator.signers[0], AbortSignal.timeout(60_000));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starling-validator-"));
    validator = await startValidator({ folder, wallets: 2, walletSol: 7, mint: true, slotMs: 200 });
  });
  afterAll(async () => {
    await validator?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has the three programs, executable, at the ids of their keys", async () => {
    for (const { name, key, bytes } of await programFiles()) {
      expect(validator.programs[name as keyof typeof validator.programs]).toBe(key.address);
      const { value } = await rpc().getAccountInfo(key.address, { encoding: "base64" }).send();
      expect(value).toMatchObject({ owner: LOADER_ADDRESS, executable: true });
      expect(await planDeploy(sender(), { name, key, bytes })).toMatchObject({ type: "there", chunksLeft: 0, rentLamports: 0n });
    }
  });

  it("has wallets whose key files only their owner reads, and a mint whose supply the first one holds", async () => {
    for (const [i, path] of validator.wallets.entries()) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const balance = (await rpc().getBalance(validator.signers[i].address).send()).value;
      expect(balance > 6_900_000_000n && balance <= 7_000_000_000n).toBe(true);
    }
    const owner = validator.signers[0].address;
    const [at] = await findAssociatedTokenPda({ owner, mint: validator.mint!, tokenProgram: TOKEN_PROGRAM_ADDRESS });
    expect((await rpc().getTokenAccountBalance(at).send()).value).toMatchObject({ amount: String(MINT_SUPPLY), decimals: 6 });
  });

  it("answers on the next port with its websocket, and keeps time while nobody sends anything", async () => {
    const port = Number(new URL(validator.rpc).port);
    expect(validator.ws).toBe(`ws://127.0.0.1:${port + 1}`);
    const socket = new WebSocket(validator.ws);
    const slots: number[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "slotSubscribe" }));
      socket.onerror = () => reject(new Error("no websocket"));
      socket.onmessage = ({ data }) => {
        const { params } = JSON.parse(String(data)) as { params?: { result: { slot: number } } };
        if (params && slots.push(params.result.slot) === 3) resolve();
      };
    });
    socket.close();
    expect(slots[2]).toBeGreaterThan(slots[0]);
  });

  it("says which port is taken", async () => {
    const port = Number(new URL(validator.rpc).port);
    await expect(startValidator({ folder, rpcPort: port })).rejects.toThrow(new RegExp(`port ${port} is in use by another program`));
    await expect(startValidator({ folder, rpcPort: port - 1 })).rejects.toThrow(/is in use by another program|it takes two/);
  });

  it(
    "deploys by the loader's own writes, goes on where it was cut off, upgrades, and lets nobody else do so",
    { timeout: 120_000 },
    async () => {
      const { bytes } = (await programFiles()).find(({ name }) => name === "authorizer")!;
      const program: ProgramFile = { name: "mine", key: await generateKeyPairSigner(), bytes };
      const chunks = Math.ceil(bytes.length / 900);
      const before = await planDeploy(sender(), program);
      expect(before).toMatchObject({ type: "deploy", chunksLeft: chunks });

      // cut off in the middle of the writes
      const cut = new AbortController();
      const first = new Sender(rpc(), validator.signers[0], cut.signal);
      await expect(deploy(first, program, (done) => done > 2 && cut.abort(new Error("cut off")))).rejects.toThrow();
      const half = await planDeploy(sender(), program);
      expect(half.type).toBe("deploy");
      expect(half.chunksLeft).toBeLessThan(chunks);

      await deploy(sender(), program);
      expect((await planDeploy(sender(), program)).type).toBe("there");
      expect((await deploy(sender(), program)).type).toBe("there");

      // a longer one in its place: the loader only reads the file's own sections, so a few bytes behind them are a new version
      const longer: ProgramFile = { ...program, bytes: Uint8Array.from([...bytes, ...new Uint8Array(99), 1]) };
      expect(await planDeploy(sender(), longer)).toMatchObject({ type: "upgrade", missingBytes: 100 });
      const stranger = new Sender(rpc(), validator.signers[1], AbortSignal.timeout(10_000));
      await expect(planDeploy(stranger, longer)).rejects.toThrow(/only .* may change it/);
      await deploy(sender(), longer);
      expect((await planDeploy(sender(), longer)).type).toBe("there");
      expect(
        (
          await rpc()
            .getAccountInfo(program.key.address as Address, { encoding: "base64" })
            .send()
        ).value?.executable,
      ).toBe(true);
    },
  );
});
