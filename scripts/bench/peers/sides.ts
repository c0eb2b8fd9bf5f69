/** Where contestants run: a page in Chromium with a Worker for each, or Node with a thread for each. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Browser } from "playwright-core";
import { build, type Plugin } from "vite";
import { findChromium, launchChromium } from "../../../e2e/src/chromium.ts";
import { serveSite } from "../../../e2e/src/site.ts";
import type { ContestantName, FromContestant, ToContestant } from "./contestant.ts";

export interface Side {
  ask(name: ContestantName, request: ToContestant): Promise<FromContestant>;
  /** Frees one contestant's device and memory. */
  end(name: ContestantName): Promise<void>;
  close(): Promise<void>;
}

/** tabgpt's checkout, or why there is none. */
export function tabgptCheckout(): { folder: string } | { absent: string } {
  const folder = process.env["TABGPT_DIR"];
  if (folder === undefined || folder === "") return { absent: "TABGPT_DIR names no checkout of jbingen/tabgpt" };
  const engine = join(folder, "src", "engine");
  if (!existsSync(join(engine, "model.ts"))) return { absent: `${folder} has no src/engine/model.ts` };
  return { folder: engine };
}

const HERE = dirname(fileURLToPath(import.meta.url));

/** "tabgpt/model" is a file of the checkout, together with the switch of its kernels. */
function tabgptModule(): Plugin {
  const checkout = tabgptCheckout();
  const id = "\0tabgpt";
  return {
    name: "tabgpt",
    resolveId: (source) => (source === "tabgpt/model" ? id : null),
    load(asked) {
      if (asked !== id) return null;
      if ("absent" in checkout) return "export const GPT = undefined; export const setF16 = undefined;";
      const file = (name: string) => JSON.stringify(join(checkout.folder, name));
      return `export { GPT } from ${file("model.ts")}; export { setF16 } from ${file("kernels.ts")};`;
    },
  };
}

/** Builds the page into `outDir` and opens it in Chromium. */
export async function chromiumSide(outDir: string): Promise<Side & { driverFolders: string[] }> {
  await build({
    configFile: false,
    root: HERE,
    base: "./",
    logLevel: "error",
    plugins: [tabgptModule()],
    worker: { format: "es", plugins: () => [tabgptModule()] },
    build: { outDir, emptyOutDir: true, target: "es2024", chunkSizeWarningLimit: 10_000 },
  });
  const site = await serveSite({ "/": outDir });
  let browser: Browser | null = null;
  const close = async () => {
    await browser?.close();
    await site.close();
  };
  try {
    const { path } = await findChromium();
    browser = await launchChromium();
    const page = await browser.newPage();
    await page.goto(`${site.url}/`);
    type Peers = { peers: { ask(name: string, request: unknown): Promise<FromContestant>; end(name: string): void } };
    return {
      // Debian keeps what its /usr/bin/chromium starts elsewhere
      driverFolders: [dirname(path), "/usr/lib/chromium"],
      ask: (name, request) =>
        page.evaluate(([n, r]) => (globalThis as unknown as Peers).peers.ask(n as string, r), [name, request] as const),
      end: (name) => page.evaluate((n) => (globalThis as unknown as Peers).peers.end(n), name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The driver must have been chosen before: a thread cannot. */
export function nodeSide(): Side {
  const threads = new Map<ContestantName, Worker>();
  const end = async (name: ContestantName) => {
    await threads.get(name)?.terminate();
    threads.delete(name);
  };
  return {
    ask(name, request) {
      const thread = threads.get(name) ?? new Worker(join(HERE, "nodeThread.ts"));
      threads.set(name, thread);
      return new Promise((resolve, reject) => {
        const settle = (then: () => void) => {
          thread.off("message", onMessage);
          thread.off("error", onError);
          thread.off("exit", onExit);
          then();
        };
        const onMessage = (told: FromContestant) => settle(() => resolve(told));
        const onError = (error: Error) => settle(() => reject(error));
        const onExit = () => settle(() => reject(new Error(`the thread of ${name} has ended`)));
        thread.on("message", onMessage).on("error", onError).on("exit", onExit);
        thread.postMessage(request);
      });
    },
    end,
    async close() {
      for (const name of threads.keys()) await end(name);
    },
  };
}
