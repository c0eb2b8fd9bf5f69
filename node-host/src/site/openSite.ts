/** The page as a command or the local testnet has it: at a port, with its build, and told in sentences. */
import type { RuntimeConfig } from "@starling/config/page/runtimeConfig";
import { HostError } from "../errors.ts";
import { whyNot } from "../platform/listen.ts";
import { PageBuild, type PageState } from "./pageBuild.ts";
import { serveSite, type Site } from "./site.ts";

export const DEFAULT_WEB_PORT = 8080;

export interface OpenSiteOptions {
  host: string;
  /** undefined = 8080, or any free one where that is taken; 0 = any free one */
  port: number | undefined;
  mayBuild: boolean;
  config: () => RuntimeConfig | Promise<RuntimeConfig>;
  data: () => ReadonlyMap<string, readonly string[]>;
  onPage: (state: PageState) => void;
}

/** Errors: HostError bad-option, port-in-use. */
export async function openSite({ host, port, mayBuild, onPage, ...what }: OpenSiteOptions): Promise<Site> {
  const wanted = port ?? DEFAULT_WEB_PORT;
  const reason = wanted === 0 ? null : await whyNot(host, wanted);
  if (reason === "EADDRNOTAVAIL" || reason === "ENOTFOUND")
    throw new HostError(
      "bad-option",
      `--web-host ${host} is no address of this machine: take one that "ip addr" lists, or 0.0.0.0 for all`,
    );
  if (reason !== null && port !== undefined)
    throw new HostError("port-in-use", `--web-port ${port} cannot be had (${reason}): choose another port, or 0 for any free one`);
  const page = new PageBuild({ mayBuild, onChange: onPage });
  try {
    const site = await serveSite({ ...what, page, host, port: reason === null ? wanted : 0 });
    const close = site.close.bind(site);
    return { ...site, close: async () => void (await Promise.all([close(), page.stop()])) };
  } catch (cause) {
    await page.stop();
    throw new HostError("port-in-use", `the page cannot be served at ${host}: ${(cause as Error).message}`, { cause });
  }
}

/** What is worth telling of the page; null for what is not. */
export function pageSentence(state: PageState): string | null {
  switch (state.type) {
    case "checking":
    case "ready":
      return null;
    case "building":
      return "the page is being built beside the run, which takes about a minute, once";
    case "failed":
      return `the page could not be built${state.old ? ", an earlier one is served" : ""}: ${state.why}`;
    default:
      return state satisfies never;
  }
}
