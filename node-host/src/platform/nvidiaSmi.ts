/** What NVIDIA's driver tells of its cards. */
import { execFile } from "node:child_process";
import { shortPciId } from "./adapters.ts";

export interface NvidiaCard {
  name: string;
  driver: string;
  totalMib: number;
  freeMib: number;
  /** 0000:01:00.0 */
  pciId: string;
}

const COLUMNS = "name,driver_version,memory.total,memory.free,pci.bus_id";

/** Comma-separated, a line a card. Rejects with nvidia-smi's own sentence where it is not there or fails. */
export const nvidiaSmi = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) =>
    execFile(
      "nvidia-smi",
      [`--query-gpu=${COLUMNS}`, "--format=csv,noheader,nounits"],
      { signal, timeout: 8_000 },
      (error, stdout, stderr) =>
        error ? reject(new Error(stderr.trim().split("\n")[0] || stdout.trim().split("\n")[0] || error.message)) : resolve(stdout),
    ),
  );

export function parseCards(csv: string): NvidiaCard[] {
  return csv
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter((cells) => cells.length === COLUMNS.split(",").length && cells[0] !== "")
    .map(([name, driver, total, free, bus]) => ({
      ...{ name: name!, driver: driver!, pciId: shortPciId(bus!) },
      ...{ totalMib: Number(total), freeMib: Number(free) },
    }));
}
