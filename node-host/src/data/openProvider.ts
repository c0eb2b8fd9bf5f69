/** Training data on this machine's terms: its files, its threads for Parquet, its object storage. */
import type { DataLocation } from "@starling/config";
import { createDataProvider, type DataProviderOptions } from "@starling/trainer-core/data/createDataProvider";
import type { DataProvider } from "@starling/trainer-core/data/dataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { parquetInThread } from "@starling/trainer-core/data/parquetThread.node";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";

/** `location` with its folders absolute. `server`: where the data may come from the run's data server. The caller closes it. */
export function openProvider(location: DataLocation, plan: RunPlan, server?: DataProviderOptions["server"]): DataProvider {
  return createDataProvider(location, {
    maxSeqLen: plan.sequenceTokens,
    vocabSize: plan.llama.vocabSize,
    localFiles,
    localParquet: parquetInThread,
    http: { storageEndpoint: process.env["STORAGE_EMULATOR_HOST"] },
    ...(server && { server }),
  });
}
