/** The folder for checkpoints: there, writable, with room, and fast enough. */
import { existsSync } from "node:fs";
import { open, rm, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { HostError } from "../../errors.ts";
import { makeWritableFolder } from "../../platform/folders.ts";
import { fail, ok, skip, warn, type Check } from "../check.ts";
import type { Run } from "../subject.ts";

const MIB = 2 ** 20;
const PROBE_BYTES = 16 * MIB;
/** Below, a checkpoint takes so long that the next one waits for it. */
const SLOW_MIB_PER_SECOND = 10;
/** Room for a checkpoint and its successor, where the model is not known. */
const LEAST_BYTES = 256 * MIB;
const LEAST_INODES = 1_000;
/** checkpoints kept by default, and the one being written */
const CHECKPOINTS = 4;

export function disk(folder: string | undefined, run: (signal: AbortSignal) => Promise<Run | null>): Check {
  return {
    id: "disk",
    title: "Checkpoint folder",
    timeoutMs: 30_000,
    run: async (signal) => {
      if (folder === undefined) return skip("no --checkpoint-dir was given");
      const path = resolve(folder);
      try {
        makeWritableFolder(path, "--checkpoint-dir");
      } catch (error) {
        const cause = (error as HostError).cause as NodeJS.ErrnoException | undefined;
        if (cause?.code === "ENOSPC") return full(path, "nothing more can be written");
        if (cause?.code === "EROFS")
          return fail(
            `${path} lies on a read-only file system`,
            "Mount it writable (a disk with errors is mounted read-only: see dmesg), or name another folder.",
          );
        return fail(`${path}: ${(error as Error).message}`, "Name a folder that this user may write to, or change its owner (chown).");
      }
      const { bsize, bavail, ffree, files } = await statfs(existing(path));
      const freeBytes = bsize * bavail;
      const plan = (await run(signal).catch(() => null))?.plan;
      const modelBytes = plan ? plan.layouts.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0) : null;
      const needBytes = modelBytes === null ? LEAST_BYTES : Math.max(MIB, CHECKPOINTS * modelBytes);
      if (freeBytes < needBytes / CHECKPOINTS)
        return full(path, `${text(freeBytes)} are free, a checkpoint needs ${text(needBytes / CHECKPOINTS)}`);
      // file systems without inodes say 0 of 0
      if (files > 0 && ffree < LEAST_INODES)
        return fail(
          `${path}: only ${ffree} more files can be made (inodes)`,
          "Delete small files on that file system (df -i shows it), or name another folder.",
        );
      let speed: number;
      try {
        speed = await writeSpeed(path, Math.min(PROBE_BYTES, Math.floor(freeBytes / 4)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOSPC") return full(path, "it filled up while written to (a quota?)");
        return fail(
          `${path} cannot be written to: ${(error as Error).message}`,
          "Look at the disk (dmesg, smartctl), or name another folder.",
        );
      }
      const found = `${path}: ${text(freeBytes)} free, writes ${Math.round(speed)} MiB/s`;
      if (freeBytes < needBytes)
        return warn(found, `Make room: ${CHECKPOINTS} checkpoints need ${text(needBytes)}; or lower --keep-steps.`);
      if (speed < SLOW_MIB_PER_SECOND) return warn(found, "Name a folder on a faster disk: checkpoints would take longer than an epoch.");
      return ok(found);
    },
  };
}

function full(path: string, found: string) {
  return fail(`${path} is full: ${found}`, "Delete old checkpoints or other files there, or name a folder on another disk.");
}

/** The nearest folder above that exists: `statfs` needs one. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

/** MiB/s, the disk's own cache flushed. */
async function writeSpeed(folder: string, bytes: number): Promise<number> {
  const path = join(folder, `.starling-${process.pid}.speed`);
  const piece = Buffer.alloc(Math.max(4096, Math.min(bytes, MIB)), 0x5a);
  const file = await open(path, "w", 0o600);
  try {
    const startedMs = performance.now();
    let written = 0;
    while (written < bytes) written += (await file.write(piece)).bytesWritten;
    await file.sync();
    return written / MIB / Math.max(1e-6, (performance.now() - startedMs) / 1000);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function text(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
    : bytes >= MIB
      ? `${Math.floor(bytes / MIB)} MiB`
      : `${Math.floor(bytes / 1024)} KiB`;
}
