/** Where a tab's training text comes from: urls that its page knows, or what the run's configuration names. */
import type { PeerNetwork } from "@starling/network";
import { createDataProvider, localDataProvider } from "@starling/trainer-core/data/createDataProvider";
import type { DataProvider } from "@starling/trainer-core/data/dataProvider";
import { httpFiles } from "@starling/trainer-core/data/httpFiles";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import { TabError } from "./failure.ts";

/** Opens nothing yet. Errors: TabError data where a browser can have none of it; DataError unsupported. */
export function openData(
  location: Parameters<typeof createDataProvider>[0],
  urls: readonly string[],
  plan: RunPlan,
  server: { network: PeerNetwork; runId: string },
): DataProvider {
  const options = { maxSeqLen: plan.sequenceTokens, vocabSize: plan.llama.vocabSize };
  if (urls.length > 0) return localDataProvider(httpFiles(urls), options);
  if (typeof location === "object" && ("Local" in location || "Preprocessed" in location)) {
    throw new TabError(
      "data",
      "this run's training data are files on its members' own disks, and nobody has told this page where a browser finds them: whoever serves the page names their urls in its config.json (dataUrls)",
    );
  }
  return createDataProvider(location, { ...options, server });
}
