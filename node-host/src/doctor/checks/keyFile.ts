/** The client's key file: readable, nobody else's business, and not in use. */
import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HostError } from "../../errors.ts";
import { loadIdentity } from "../../platform/identityFile.ts";
import { toHex } from "@starling/sdk/bytes";
import { fail, ok, skip, warn, type Check } from "../check.ts";

const OTHERS = 0o077;

export function keyFile(path: string | undefined): Check {
  return {
    id: "key-file",
    title: "Key file",
    run: async () => {
      if (path === undefined) return skip("no --identity-secret-key-path was given: a client would make new keys at each start");
      const full = resolve(path);
      if (!existsSync(full)) {
        const folder = dirname(full);
        return existsSync(folder)
          ? ok(`${full} is not there yet; the first start makes it`)
          : warn(
              `${full} is not there, and neither is its folder`,
              "Check the path for a typing error: the first start would make new keys there.",
            );
      }
      const stat = statSync(full);
      if (!stat.isFile()) return fail(`${full} is not a file`, "Name the key file itself.");
      let key: string;
      try {
        const { identity, release } = loadIdentity(full);
        key = toHex(identity.peer.publicKey);
        release();
      } catch (error) {
        const message = (error as Error).message.replace(/^--identity-secret-key-path \S+:? /, "");
        const inUse = error instanceof HostError && error.code === "identity-in-use";
        return fail(
          `${full} ${inUse ? message.split(":")[0] : `cannot be used: ${message}`}`,
          inUse
            ? "End that process, or give this client a key file of its own."
            : "Restore the file from a copy, or move it away: a start without it makes new keys, with which nothing that was earned can be claimed.",
        );
      }
      if ((stat.mode & OTHERS) !== 0) {
        return fail(
          `${full} has mode ${(stat.mode & 0o777).toString(8)}: others on this machine can read the keys`,
          `Run: chmod 600 ${full}`,
        );
      }
      return ok(`${full}, peer ${key.slice(0, 8)}`);
    },
  };
}
