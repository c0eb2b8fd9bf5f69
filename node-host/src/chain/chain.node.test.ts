/** What a command says when a transaction was sent and the RPC falls silent about it; against a real Surfpool behind a proxy. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { createGrant } from "@starling/sdk/solana/grants";
import { LOCAL_PROGRAMS, PUBLIC_GRANTEE } from "@starling/sdk/solana/pdas";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES, exitCodeOf, type HostError } from "../errors.ts";
import { hostErrorOf } from "./actionFailure.ts";
import { startValidator, type Validator } from "../validator/validator.ts";
import { Chain } from "@starling/sdk/actions/chain";
import { findGrant } from "@starling/sdk/actions/grants";

const isHere = process.platform === "linux" && process.arch === "x64";

describe.skipIf(!isHere)("a chain that falls silent", () => {
  let folder: string;
  let validator: Validator;
  let proxy: Server;
  let url: string;
  let onAsked: (method: string) => "pass" | "silence" = () => "pass";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starling-chain-"));
    validator = await startValidator({ folder, wallets: 1, slotMs: 200 });
    proxy = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        const body = Buffer.concat(pieces).toString();
        if (onAsked((JSON.parse(body) as { method: string }).method) === "silence") return;
        void fetch(validator.rpc, { method: "POST", headers: { "content-type": "application/json" }, body })
          .then(async (answer) => response.end(await answer.text()))
          .catch(() => response.destroy());
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    proxy?.closeAllConnections();
    proxy?.close();
    await validator?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("is unknown, not failed: the signature to look for, an exit code of its own, and it may well have worked", async () => {
    const stop = new AbortController();
    const client = new ClusterClient({ rpcUrls: [url], wsUrls: [] });
    const chain = new Chain({ client, programs: LOCAL_PROGRAMS, signal: stop.signal });
    const [wallet] = validator.signers as [(typeof validator.signers)[number]];
    onAsked = (method) => {
      if (method !== "getSignatureStatuses") return "pass";
      stop.abort(new Error("Ctrl-C"));
      return "silence";
    };
    try {
      const error = await chain.send([await createGrant(LOCAL_PROGRAMS, wallet, wallet, PUBLIC_GRANTEE)], wallet, "create a grant").then(
        () => expect.unreachable(),
        (thrown: unknown) => hostErrorOf(thrown) as HostError,
      );
      expect(error).toMatchObject({ name: "HostError", code: "chain-unknown" });
      expect(error.message).toMatch(
        /^cannot tell whether this worked: create a grant\. .* look for transaction [1-9A-HJ-NP-Za-km-z]{80,90} in/,
      );
      expect(exitCodeOf(error)).toBe(EXIT_CODES.unknownOutcome);
    } finally {
      await client.close();
    }
    onAsked = () => "pass";
    const direct = new ClusterClient({ rpcUrls: [validator.rpc], wsUrls: [] });
    try {
      const looking = new Chain({ client: direct, programs: LOCAL_PROGRAMS, signal: AbortSignal.timeout(30_000) });
      await expect
        .poll(() => findGrant(looking, wallet.address, PUBLIC_GRANTEE), { timeout: 20_000, interval: 500 })
        .toMatchObject({ isActive: false });
    } finally {
      await direct.close();
    }
  });
});
