/** `starling client`: joins a run at a TCP coordinator and trains until told to stop, or until the run is finished. */
import type { OptionsOf, clientOptions } from "@starling/config";
import { reachCoordinator } from "../platform/coordinator.ts";
import { loadIdentity } from "../platform/identityFile.ts";
import { openOutput } from "../platform/output.ts";
import { takePart } from "../takePart.ts";

export async function client(options: OptionsOf<typeof clientOptions>): Promise<number> {
  const output = await openOutput("client", options);
  try {
    const keys = loadIdentity(options.identitySecretKeyPath);
    const { identity, save } = keys;
    const { serverAddr } = options;
    return await takePart({
      options,
      keys,
      output,
      arrive: async () => ({ reach: (at) => reachCoordinator({ serverAddr, identity, joins: { save }, ...at }) }),
    });
  } finally {
    await output.close();
  }
}
