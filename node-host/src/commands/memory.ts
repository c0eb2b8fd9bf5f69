/** `starling memory`: what a run's model takes of an adapter at each micro-batch, and which of them fits. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OptionsOf, memoryOptions } from "@starling/config";
import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { loadRunConfig } from "@starling/config/presets.node";
import { TYPICAL_GPU, type AdapterFacts } from "@starling/trainer-core/device/countingGpu";
import { fit, fitCandidate, gigabytes, USABLE_SHARE, type FitCandidate, type FitQuestion } from "@starling/trainer-core/train/fit";
import { usefulSequences } from "@starling/trainer-core/train/microBatch";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { print } from "../chain/print.ts";
import { adapterFor } from "../doctor/adapterReport.ts";
import { engineSettings } from "../engine/engineSettings.ts";
import { hostBytesOf, machineMemory, memoryOffer } from "../engine/memoryOffer.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { chooseAdapter, type DeviceChoice } from "../platform/adapter.ts";
import { cards, leastFreeBytes } from "../platform/cards.ts";

export type MemoryOptions = OptionsOf<typeof memoryOptions>;

interface Subject {
  name: string;
  facts: AdapterFacts;
  /** null: not known */
  bytes: number | null;
}

/** Exit code 1 where not even the smallest fits. */
export async function memory(options: MemoryOptions): Promise<number> {
  const { config, runId } = loadRunConfig(options.configPath, process.cwd());
  const { checkpoint } = options;
  const llama = checkpoint === undefined ? undefined : readModel(join(checkpoint, "config.json"));
  const plan = runPlan(config, llama);
  const { name, facts, bytes } = await subject(options, hostBytesOf(plan, config.config));
  const question: FitQuestion = {
    plan,
    settings: { ...engineSettings(options), offer: memoryOffer(config.config, bytes) },
    adapter: facts,
  };
  const most =
    options.microBatchSize ?? usefulSequences(plan.sequenceTokens, question.settings.offer!.shareSequences, facts.isFallbackAdapter);
  const rows: { kept: FitCandidate; recomputed: FitCandidate }[] = [];
  for (let n = 1; n <= 2 * most; n *= 2) {
    const sequences = Math.min(n, most);
    rows.push({ kept: await fitCandidate(question, sequences, false), recomputed: await fitCandidate(question, sequences, true) });
    if (sequences === most) break;
  }
  const chosen = await fit(question);
  const title = `${runId} on ${name}: sequences of ${plan.sequenceTokens} tokens${bytes === null ? "; its memory is not known" : `, ${gigabytes(bytes)}`}`;
  const isEnough = bytes === null || chosen.need.adapterBytes <= USABLE_SHARE * bytes;
  print(
    options.json,
    {
      runId,
      adapter: name,
      adapterBytes: bytes,
      rows: rows.flatMap(({ kept, recomputed }) => [kept, recomputed]).map(asJson),
      chosen: { ...asJson({ ...chosen, fits: isEnough, refusal: null }), hostBytes: chosen.need.hostBytes },
      sentences: chosen.sentences,
    },
    [title, "", ...table(rows), "", ...chosen.sentences, `beside it about ${gigabytes(chosen.need.hostBytes)} of this machine's memory`],
  );
  return isEnough ? EXIT_CODES.ok : EXIT_CODES.failed;
}

function readModel(file: string): LlamaConfig {
  try {
    return parseLlamaConfig(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new HostError("bad-option", `--checkpoint: ${file} tells no model: ${(cause as Error).message}`, { cause });
  }
}

async function subject(options: MemoryOptions, hostBytes: number): Promise<Subject> {
  if (options.adapterMemory !== undefined) return { name: "a GPU", facts: TYPICAL_GPU, bytes: options.adapterMemory * 1e9 };
  const { adapter: selector, device } = options;
  // refuses a selector that means none
  const chosen = selector === undefined ? null : await chooseAdapter(device as DeviceChoice, { selector });
  const { used, isBundled } = await adapterFor(device, AbortSignal.timeout(120_000), selector);
  if (used.kind !== "found") {
    throw new HostError(
      "no-adapter",
      "no adapter is found here: `starling doctor` says why; or give --adapter-memory GB to ask about another",
    );
  }
  const { report } = used;
  const onHost = isBundled || report.isSoftware;
  const bytes = onHost
    ? Math.max(0, machineMemory().availableBytes - hostBytes)
    : leastFreeBytes(chosen?.cards ?? [report.card], await cards());
  return { name: report.name, facts: report.facts ?? TYPICAL_GPU, bytes };
}

function asJson({ microBatchSequences, recomputation, need, fits, refusal }: FitCandidate) {
  return {
    microBatchSequences,
    activationRecomputation: recomputation,
    adapterBytes: need?.adapterBytes ?? null,
    largestBufferBytes: need?.bindingBytes ?? null,
    fits,
    refusal,
  };
}

function table(rows: readonly { kept: FitCandidate; recomputed: FitCandidate }[]): string[] {
  const cell = ({ need, fits }: FitCandidate) =>
    need === null ? "not to be bound" : `${gigabytes(need.adapterBytes)}${fits === null ? "" : fits ? "  fits" : "  too much"}`;
  const lines = [
    ["micro-batch", "needs", "with activation recomputation"],
    ...rows.map(({ kept, recomputed }) => [String(kept.microBatchSequences), cell(kept), cell(recomputed)]),
  ];
  return lines.map(([first, second, third]) => `${first!.padEnd(13)}${second!.padEnd(22)}${third}`);
}
