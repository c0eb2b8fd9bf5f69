/**
 * One process at a time: `<path>.lock` names the one that holds it. A killed process leaves its lock behind, so a lock counts only
 * while that very process lives (its start time too: process numbers are given again).
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const MAX_TRIES = 5;

/** Process number of who holds the lock of `path`, or null. */
export function lockHolder(path: string): number | null {
  const text = readLock(`${path}.lock`);
  return text !== null && isHeld(text) ? Number(text.split(" ")[0]) : null;
}

/**
 * Takes the lock of `path`, also that of a process that is gone. Returns the release, or the process number of who holds it.
 * Errors: the file system's, such as EACCES.
 */
export function takeLock(path: string): { release: () => void } | { heldBy: number } {
  const lock = `${path}.lock`;
  const mine = `${process.pid} ${startOf(process.pid) ?? ""}`;
  const beside = `${lock}.${process.pid}`;
  // linked into its place, since nobody may ever see a lock that is still empty
  writeFileSync(beside, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        linkSync(beside, lock);
        return { release: () => releaseLock(lock, mine) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const found = readLock(lock);
      if (found === null) continue; // released a moment ago
      if (isHeld(found)) return { heldBy: Number(found.split(" ")[0]) };
      removeStale(lock, found, `${beside}.stale`);
    }
    throw new Error(`${lock} changes hands all the time`);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Of two that find the same stale lock one may already have put its own there: what was moved away by mistake goes back. */
function removeStale(lock: string, expected: string, aside: string): void {
  try {
    renameSync(lock, aside);
  } catch {
    return; // another was quicker
  }
  if (readLock(aside) !== expected) {
    try {
      linkSync(aside, lock);
    } catch {
      // a third one holds it now
    }
  }
  rmSync(aside, { force: true });
}

function releaseLock(lock: string, mine: string): void {
  if (readLock(lock) === mine) rmSync(lock, { force: true });
}

function readLock(lock: string): string | null {
  try {
    return readFileSync(lock, "utf8");
  } catch {
    return null;
  }
}

function isHeld(text: string): boolean {
  const [pid, start] = text.split(" ");
  if (!/^[1-9]\d*$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM: it lives, as another user's
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = startOf(Number(pid));
  return now === null || !start || now === start;
}

/** When a process started, in the kernel's ticks since boot; null where there is no /proc. A zombie has ended. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // the command's name, in brackets, may hold anything
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : (fields[19] ?? null);
  } catch {
    return null;
  }
}
