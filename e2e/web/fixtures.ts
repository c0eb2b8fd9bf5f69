/** What each journey starts with: a chain with the real programs, the page on a loopback host, a wallet with money, a recorder. */
import { join } from "node:path";
import { test as base } from "@playwright/test";
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import { OnChain } from "../src/onChain.ts";
import { REPOSITORY } from "../src/processes.ts";
import { PageSite } from "./src/pageSite.ts";
import { Recorder } from "./src/recorder.ts";
import { TestWallet, type WalletOptions } from "./src/testWallet.ts";

export const LAMPORTS_PER_SOL = 1_000_000_000;
/** key files of the validator's wallets that journeys may use: the first ones are creators, the later ones rigs */
const WALLETS = 8;

export interface Chain {
  on: OnChain;
  genesisHash: string;
  /** as config.json names it */
  cluster: ClusterConfig;
}

interface TestFixtures {
  walletOptions: Partial<WalletOptions>;
  recorder: Recorder;
  wallet: TestWallet;
  /** the page's address; its config.json names the chain until the test changes `site.config` */
  home: string;
}
interface WorkerFixtures {
  chain: Chain;
  site: PageSite;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  chain: [
    // Playwright reads the names of what a fixture needs from this pattern
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const on = new OnChain();
      await on.start(WALLETS);
      const genesisHash = await on.ask<string>("getGenesisHash", []);
      const cluster: ClusterConfig = {
        name: "localnet",
        label: "Local cluster",
        rpcUrls: [on.rpc],
        wsUrls: [on.ws],
        chain: "solana:localnet",
        genesisHash,
        isTest: true,
      };
      await use({ on, genesisHash, cluster });
      await on.stop();
    },
    { scope: "worker", timeout: 180_000 },
  ],
  site: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const site = new PageSite(
        process.env["STARLING_PAGE"] ?? join(REPOSITORY, "e2e/dist"),
        join(REPOSITORY, "config/data/shakespeare/train"),
      );
      await site.start();
      await use(site);
      await site.stop();
    },
    { scope: "worker" },
  ],
  walletOptions: [{}, { option: true }],
  recorder: [
    async ({ context }, use) => {
      await use(new Recorder(context));
    },
    { auto: true },
  ],
  wallet: async ({ context, chain, walletOptions }, use) => {
    const wallet = await TestWallet.install(context, { rpcUrl: chain.on.rpc, ...walletOptions });
    await chain.on.ask("requestAirdrop", [wallet.address, 10 * LAMPORTS_PER_SOL]);
    await use(wallet);
  },
  home: async ({ site, chain }, use) => {
    site.config = { clusters: [chain.cluster], coordinators: [] };
    await use(site.url);
  },
});
export { expect } from "@playwright/test";
