/** The configuration in force of a run on the chain, as TOML text. */
import { HostError } from "../errors.ts";
import { withChain, type ChainOptions } from "./chain.ts";
import { requireRun } from "@starling/sdk/actions/run";

/** Errors: HostError chain: no such run, or no configuration yet; ChainError. */
export async function readRunToml(options: ChainOptions & { runId: string }): Promise<string> {
  return withChain(options, async (chain) => {
    const { toml } = (await requireRun(chain, options.runId)).config;
    if (toml !== "") return toml;
    throw new HostError("chain", `run ${options.runId} has no configuration in force yet`);
  });
}
