/** What the system allows a process: descriptors, shared memory, watches. */
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { fail, ok, skip, warn, type Check } from "../check.ts";

const MIB = 2 ** 20;
/** A connection takes one; 256 members, each with a spare one, and the run's own files. */
const GOOD_FILES = 1024;
const LEAST_FILES = 128;
/** Docker gives 64 MiB; drivers keep small things there. */
const LEAST_SHM_BYTES = 16 * MIB;
const LEAST_INSTANCES = 16;

export interface LimitFacts {
  /** null: unlimited or unknown */
  openFiles: number | null;
  /** null: there is none */
  shmBytes: number | null;
  inotifyInstances: number | null;
}

export async function systemLimits(): Promise<LimitFacts> {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const number = (text: string | undefined): number | null =>
    text === undefined || text.trim() === "" || !/^\d/.test(text) ? null : Number.parseInt(text, 10);
  const shm = await statfs("/dev/shm").catch(() => null);
  return {
    openFiles: number(/^Max open files\s+(\S+)/m.exec(read("/proc/self/limits"))?.[1]),
    shmBytes: shm && shm.bsize * shm.blocks,
    inotifyInstances: number(read("/proc/sys/fs/inotify/max_user_instances")),
  };
}

export function limits(facts: () => Promise<LimitFacts> = systemLimits): Check {
  return {
    id: "limits",
    title: "System limits",
    run: async () => {
      if (process.platform !== "linux") return skip(`not looked at on ${process.platform}`);
      const { openFiles, shmBytes, inotifyInstances } = await facts();
      const found = [
        `${openFiles ?? "unlimited"} open files`,
        shmBytes === null ? "no /dev/shm" : `/dev/shm of ${Math.round(shmBytes / MIB)} MiB`,
        ...(inotifyInstances === null ? [] : [`${inotifyInstances} inotify instances`]),
      ].join(", ");
      const raise = "Raise it: ulimit -n 65536, LimitNOFILE=65536 in the systemd unit, or --ulimit nofile=65536 for Docker.";
      if (openFiles !== null && openFiles < LEAST_FILES) return fail(found, raise);
      if (openFiles !== null && openFiles < GOOD_FILES) return warn(found, raise);
      if (shmBytes === null || shmBytes < LEAST_SHM_BYTES)
        return warn(found, "Mount a /dev/shm of 64 MiB or more (Docker: --shm-size 1g): GPU drivers keep things there.");
      if (inotifyInstances !== null && inotifyInstances < LEAST_INSTANCES) {
        return warn(found, "Raise it: sysctl fs.inotify.max_user_instances=512.");
      }
      return ok(found);
    },
  };
}
