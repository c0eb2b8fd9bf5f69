/** Main memory and the adapter's, against what the run needs. */
import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { memoryNeed } from "@starling/trainer-core/train/memoryNeed";
import type { AdapterChoice } from "../adapterReport.ts";
import { fail, ok, warn, type Check, type Finding } from "../check.ts";
import type { Run } from "../subject.ts";
import { parseCards } from "./nvidia.ts";

const MIB = 2 ** 20;
/** Less is too little for any run. */
const LEAST_BYTES = 1024 * MIB;

export interface MemoryFacts {
  totalBytes: number;
  /** what a new process can have, within this container's limit */
  availableBytes: number;
  /** free memory of the largest GPU; null where it cannot be told */
  adapterFreeBytes: number | null;
}

export async function systemMemory(queryCards: () => Promise<string>): Promise<MemoryFacts> {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo"))?.[1];
  const limit = Number.parseInt(read("/sys/fs/cgroup/memory.max"), 10);
  const used = Number.parseInt(read("/sys/fs/cgroup/memory.current"), 10);
  const inContainer = Number.isFinite(limit) && Number.isFinite(used) ? Math.max(0, limit - used) : Infinity;
  const cards = await queryCards().then(parseCards, () => []);
  return {
    totalBytes: Math.min(totalmem(), Number.isFinite(limit) ? limit : Infinity),
    availableBytes: Math.min(available === undefined ? freemem() : Number(available) * 1024, inContainer),
    adapterFreeBytes: cards.length === 0 ? null : Math.max(...cards.map((c) => c.freeMib)) * MIB,
  };
}

export interface MemorySubject {
  facts: () => Promise<MemoryFacts>;
  run: (signal: AbortSignal) => Promise<Run | null>;
  adapter: (signal: AbortSignal) => Promise<AdapterChoice>;
  microBatchSequences: number;
}

export function memory({ facts, run, adapter, microBatchSequences }: MemorySubject): Check {
  return {
    id: "memory",
    title: "Memory",
    timeoutMs: 120_000,
    run: async (signal) => {
      const { totalBytes, availableBytes, adapterFreeBytes } = await facts();
      const has = `${text(availableBytes)} of ${text(totalBytes)} free`;
      if (availableBytes < LEAST_BYTES) return fail(has, `End other programs, or use a machine with at least ${text(LEAST_BYTES)} free.`);
      const subject = await run(signal).catch(() => null);
      if (!subject?.plan) return ok(`${has}${subject ? `; what the run needs is not known (${subject.planError})` : ""}`);
      const { config } = subject.config;
      const need = memoryNeed(subject.plan, microBatchSequences, Math.min(256, config.global_batch_size_end));
      const { used, isBundled } = await adapter(signal);
      const report = used.kind === "found" ? used.report : null;
      const onHost = isBundled || (report?.isSoftware ?? true);
      const hostBytes = need.hostBytes + (onHost ? need.adapterBytes : 0);
      const judged: Finding[] = [];
      if (hostBytes > availableBytes) {
        judged.push(
          fail(
            `${has}; ${subject.runId} needs about ${text(hostBytes)}`,
            "End other programs, lower --micro-batch-size, or use a machine with more memory.",
          ),
        );
      } else if (hostBytes > 0.8 * availableBytes) {
        judged.push(
          warn(`${has}; ${subject.runId} needs about ${text(hostBytes)}`, "End other programs: little is left for anything else."),
        );
      }
      if (report && need.bindingBytes > report.maxBufferBytes) {
        judged.push(
          fail(
            `one buffer of ${subject.runId} has ${text(need.bindingBytes)}, this adapter binds ${text(report.maxBufferBytes)}`,
            "Lower --micro-batch-size, or use another adapter: this one cannot hold the model's largest tensor.",
          ),
        );
      }
      if (!onHost && adapterFreeBytes !== null && need.adapterBytes > adapterFreeBytes) {
        judged.push(
          fail(
            `${text(adapterFreeBytes)} of the GPU's memory are free, ${subject.runId} needs about ${text(need.adapterBytes)}`,
            "End what else uses the GPU (nvidia-smi lists it), lower --micro-batch-size, or use a larger GPU.",
          ),
        );
      }
      const worst = judged.find((f) => f.status === "fail") ?? judged[0];
      return worst ?? ok(`${has}; ${subject.runId} needs about ${text(need.hostBytes)}, and ${text(need.adapterBytes)} of the adapter`);
    },
  };
}

function text(bytes: number): string {
  return bytes >= 1024 * MIB ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / MIB)} MiB`;
}
