/** Main memory and the adapter's, against what the run needs. */
import { TYPICAL_GPU } from "@starling/trainer-core/device/countingGpu";
import { DeviceError } from "@starling/trainer-core/device/errors";
import type { EngineSettings } from "@starling/trainer-core/train/engineSettings";
import { fit, USABLE_SHARE, type Fit } from "@starling/trainer-core/train/fit";
import { hostBytesOf, memoryOffer, type MachineMemory } from "../../engine/memoryOffer.ts";
import { leastFreeBytes, type Card } from "../../platform/cards.ts";
import type { AdapterChoice } from "../adapterReport.ts";
import { fail, ok, warn, type Check, type Finding } from "../check.ts";
import type { Run } from "../subject.ts";

const MIB = 2 ** 20;
/** Less is too little for any run. */
const LEAST_BYTES = 1024 * MIB;

export interface MemorySubject {
  facts: () => MachineMemory;
  cards: () => Promise<readonly Card[]>;
  run: (signal: AbortSignal) => Promise<Run | null>;
  adapter: (signal: AbortSignal) => Promise<AdapterChoice>;
  engine: EngineSettings;
}

export function memory({ facts, cards, run, adapter, engine }: MemorySubject): Check {
  return {
    id: "memory",
    title: "Memory",
    timeoutMs: 120_000,
    run: async (signal) => {
      const { totalBytes, availableBytes } = facts();
      const has = `${text(availableBytes)} of ${text(totalBytes)} free`;
      if (availableBytes < LEAST_BYTES) return fail(has, `End other programs, or use a machine with at least ${text(LEAST_BYTES)} free.`);
      const subject = await run(signal).catch(() => null);
      if (!subject?.plan) return ok(`${has}${subject ? `; what the run needs is not known (${subject.planError})` : ""}`);
      const { config } = subject.config;
      const { used, isBundled } = await adapter(signal);
      const report = used.kind === "found" ? used.report : null;
      const onHost = isBundled || (report?.isSoftware ?? true);
      const adapterFreeBytes = report === null ? null : leastFreeBytes([report.card], await cards());
      const adapterBytes = onHost ? Math.max(0, availableBytes - hostBytesOf(subject.plan, config)) : adapterFreeBytes;
      const settings = { ...engine, offer: memoryOffer(config, adapterBytes) };
      let fitting: Fit;
      try {
        fitting = await fit({ plan: subject.plan, settings, adapter: report?.facts ?? TYPICAL_GPU });
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        return fail(
          `${subject.runId}: ${(error as Error).message}`,
          "Use another adapter: this one cannot hold what the model needs in one buffer.",
        );
      }
      const { need, sentences } = fitting;
      const hostBytes = need.hostBytes + (onHost ? need.adapterBytes : 0);
      const judged: Finding[] = [];
      if (hostBytes > availableBytes) {
        judged.push(
          fail(
            `${has}; ${subject.runId} needs about ${text(hostBytes)}`,
            "End other programs, leave --micro-batch-size and --activation-recomputation out so that what fits is chosen, or use a machine with more memory.",
          ),
        );
      } else if (hostBytes > 0.8 * availableBytes) {
        judged.push(
          warn(`${has}; ${subject.runId} needs about ${text(hostBytes)}`, "End other programs: little is left for anything else."),
        );
      }
      if (!onHost && adapterFreeBytes !== null && need.adapterBytes > adapterFreeBytes) {
        judged.push(
          fail(
            sentences.join("; "),
            "End what else uses the GPU (nvidia-smi lists it), leave --activation-recomputation at auto, or use a larger GPU.",
          ),
        );
      }
      if (!onHost && adapterFreeBytes !== null && judged.length === 0 && need.adapterBytes > USABLE_SHARE * adapterFreeBytes) {
        judged.push(warn(sentences.join("; "), "End what else uses the GPU (nvidia-smi lists it): its driver needs some memory too."));
      }
      const worst = judged.find((f) => f.status === "fail") ?? judged[0];
      return worst ?? ok(`${has}; ${subject.runId} needs about ${text(need.hostBytes)} beside the adapter's; ${sentences.join("; ")}`);
    },
  };
}

function text(bytes: number): string {
  return bytes >= 1024 * MIB ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / MIB)} MiB`;
}
