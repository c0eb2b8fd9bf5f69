import { METADATA_LIMITS } from "@starling/sdk/witnessMetadata";
import type { Shown } from "./states.ts";

/** What can be told of it: the first scores, with short names, that are numbers. */
export function presentable({ sampleText, evals }: Shown): Shown {
  const isFine = ([name, score]: readonly [string, number]): boolean =>
    new TextEncoder().encode(name).length <= METADATA_LIMITS.evalNameBytes && Number.isFinite(Math.fround(score));
  return { sampleText, evals: evals.filter(isFine).slice(0, METADATA_LIMITS.evals) };
}
