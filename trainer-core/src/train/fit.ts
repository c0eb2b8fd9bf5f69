/**
 * Which micro-batch a model is trained with on an adapter: what was asked for, or as much as fits and is of use. Pure but for the
 * counting of buffers; `fitEngine.ts` acts on it.
 */
import type { AdapterFacts } from "../device/countingGpu.ts";
import { DeviceError } from "../device/errors.ts";
import type { EngineSettings, MemoryOffer } from "./engineSettings.ts";
import type { MemoryNeed } from "./hostMemory.ts";
import { smallerMicroBatch, usefulSequences } from "./microBatch.ts";
import { memoryNeed } from "./memoryNeed.ts";
import type { RunPlan } from "./runPlan.ts";

/** Of an adapter's memory: the driver's own and its fragmentation have the rest. */
export const USABLE_SHARE = 0.92;
export interface Fit {
  microBatchSequences: number;
  recomputation: boolean;
  /** `need.adapterBytes` may be beyond the offer where nothing smaller is left */
  need: MemoryNeed;
  /** one a line, for the operator */
  sentences: readonly string[];
}

/** One row of the table of what could be had. `need` null: a buffer would be larger than the adapter binds, as `refusal` says. */
export interface FitCandidate {
  microBatchSequences: number;
  recomputation: boolean;
  need: MemoryNeed | null;
  refusal: string | null;
  /** null: the adapter's memory is not known */
  fits: boolean | null;
}

export interface FitQuestion {
  plan: RunPlan;
  settings: EngineSettings;
  adapter: AdapterFacts;
}

/** Errors: all but DeviceError too-large, which is an answer. */
export async function fitCandidate(
  { plan, settings, adapter }: FitQuestion,
  microBatchSequences: number,
  recomputation: boolean,
): Promise<FitCandidate> {
  const { offer = unknownOffer, ...rest } = settings;
  const candidate = { microBatchSequences, recomputation };
  try {
    const need = await memoryNeed(plan, { ...rest, ...candidate, adapter, batchesPerRound: offer.batchesPerRound });
    const fits = offer.adapterBytes === null ? null : need.adapterBytes <= USABLE_SHARE * offer.adapterBytes;
    return { ...candidate, need, refusal: null, fits };
  } catch (error) {
    if (!(error instanceof DeviceError && error.code === "too-large")) throw error;
    return { ...candidate, need: null, refusal: error.message, fits: false };
  }
}

const unknownOffer: MemoryOffer = { adapterBytes: null, shareSequences: 1, batchesPerRound: 1 };

/**
 * The first that fits of: the wanted micro-batch, its halves, one sequence with recomputation. Where the memory is not known,
 * whatever the adapter can bind fits. Throws DeviceError too-large where not even the smallest can be bound.
 */
export async function fit(question: FitQuestion): Promise<Fit> {
  const { settings, plan, adapter } = question;
  const recomputation = settings.recomputation ?? "off";
  const isAuto = settings.microBatchSequences === "auto";
  const share = settings.offer?.shareSequences ?? 1;
  const wanted =
    settings.microBatchSequences === "auto"
      ? usefulSequences(plan.sequenceTokens, share, adapter.isFallbackAdapter)
      : settings.microBatchSequences;
  const tried: FitCandidate[] = [];
  for (const recompute of recomputation === "auto" ? [false, true] : [recomputation === "on"]) {
    for (let n: number | null = wanted; n !== null; n = smallerMicroBatch(n)) {
      const candidate = await fitCandidate(question, n, recompute);
      tried.push(candidate);
      if (candidate.fits !== false) return chosen(question, candidate, tried, isAuto);
    }
  }
  // nothing fits; the driver may still swap, and has the last word
  const last = tried.findLast((candidate) => candidate.need !== null);
  if (!last) throw new DeviceError("too-large", tried.at(-1)!.refusal!);
  return chosen(question, last, tried, isAuto);
}

function chosen({ settings }: FitQuestion, candidate: FitCandidate, tried: readonly FitCandidate[], isAuto: boolean): Fit {
  const { microBatchSequences, recomputation } = candidate;
  const need = candidate.need!;
  return {
    ...{ microBatchSequences, recomputation, need },
    sentences: sentences(tried, candidate, settings.offer?.adapterBytes ?? null, isAuto),
  };
}

function sentences(tried: readonly FitCandidate[], took: FitCandidate, offered: number | null, isAuto: boolean): string[] {
  const out: string[] = [];
  const first = tried[0]!;
  const with_ = (c: FitCandidate) => `micro-batch ${c.microBatchSequences}${c.recomputation ? " with activation recomputation" : ""}`;
  const has = offered === null ? "what the adapter offers is not known" : `adapter offers ${gigabytes(offered)}`;
  if (first.refusal !== null) out.push(`${with_(first)} cannot be had: ${first.refusal}`);
  else if (first !== took || took.fits === false) {
    out.push(
      `this model at ${with_(first)} needs ${gigabytes(first.need!.adapterBytes)}, ${has}${took.fits === false ? "" : `, ${with_(took)} fits`}`,
    );
  }
  if (took.fits === false) {
    out.push(
      `not even ${with_(took)} fits: it needs ${gigabytes(took.need!.adapterBytes)}, ${has}; it is tried all the same, and fails where the driver gives no more`,
    );
  } else {
    const why = isAuto && first === took ? " (chosen automatically)" : "";
    out.push(`${with_(took)}${why} needs ${gigabytes(took.need!.adapterBytes)} of the adapter's memory; ${has}`);
  }
  return out;
}

/** 15.9 GB, 312 MB, 0.9 MB. */
export function gigabytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(bytes >= 1e7 ? 0 : 1)} MB`;
}
