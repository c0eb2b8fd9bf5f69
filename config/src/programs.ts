/** The commands of `starling`; each one's options are in `programs/`. */
import type { OptionSet } from "./defineOptions.ts";
import { chainPrograms } from "./programs/chainPrograms.ts";
import { clientOptions } from "./programs/client.ts";
import { dataServerOptions } from "./programs/dataServer.ts";
import { deployProgramsOptions } from "./programs/deployPrograms.ts";
import { doctorOptions } from "./programs/doctor.ts";
import { memoryOptions } from "./programs/memory.ts";
import { exportMatformerTiersOptions } from "./programs/exportMatformerTiers.ts";
import { evaluateOptions, generateOptions } from "./programs/inference.ts";
import { localTestnetOptions } from "./programs/localTestnet.ts";
import { localValidatorOptions } from "./programs/localValidator.ts";
import { prepareDataOptions } from "./programs/prepareData.ts";
import { serverOptions } from "./programs/server.ts";
import { timelineOptions } from "./programs/timeline.ts";
import { trainOptions } from "./programs/train.ts";
import { webOptions } from "./programs/web.ts";

export { evaluateOptions, exportMatformerTiersOptions, generateOptions };
export { deployProgramsOptions, localValidatorOptions, trainOptions, webOptions };
export {
  clientOptions,
  dataServerOptions,
  doctorOptions,
  localTestnetOptions,
  memoryOptions,
  prepareDataOptions,
  serverOptions,
  timelineOptions,
};

export interface Program {
  /** the words after `starling` */
  verb: string;
  summary: string;
  options: OptionSet;
}

/** Every command with options, in the order in which help and docs list them. */
export const programs: readonly Program[] = [
  {
    verb: "local-testnet start",
    summary: "Starts a coordinator and several clients on this machine and trains.",
    options: localTestnetOptions,
  },
  { verb: "server", summary: "Runs the coordinator of one run over TCP.", options: serverOptions },
  { verb: "client", summary: "Joins a run at a TCP coordinator and trains.", options: clientOptions },
  { verb: "train", summary: "Joins a run on the chain and trains, for weeks if need be.", options: trainOptions },
  { verb: "web", summary: "Serves the page on which runs are watched, joined, created and rewarded.", options: webOptions },
  ...chainPrograms,
  {
    verb: "local-validator",
    summary: "Runs a Solana cluster on this machine with the three programs and funded wallets.",
    options: localValidatorOptions,
  },
  {
    verb: "deploy-programs",
    summary: "Puts the three programs on a cluster, or their newer versions in the place of older ones.",
    options: deployProgramsOptions,
  },
  {
    verb: "prepare-data",
    summary: "Turns text or JSONL files into token files (starling prepare-data INPUT... --tokenizer FILE --output FOLDER).",
    options: prepareDataOptions,
  },
  { verb: "data-server", summary: "Serves training data to the members of a run, to each its own batches.", options: dataServerOptions },
  { verb: "generate", summary: "Continues a text with the model of a checkpoint.", options: generateOptions },
  {
    verb: "evaluate",
    summary: "Asks a checkpoint's model multiple-choice questions, and counts what it gets right.",
    options: evaluateOptions,
  },
  {
    verb: "export-matformer-tiers",
    summary: "Writes the MatFormer tiers of a checkpoint as narrower models of their own.",
    options: exportMatformerTiersOptions,
  },
  { verb: "memory", summary: "Says what a run's model takes of an adapter, and which micro-batch fits.", options: memoryOptions },
  { verb: "doctor", summary: "Looks at this machine and says what is wrong and how to mend it.", options: doctorOptions },
  {
    verb: "timeline",
    summary: "Shows what the nodes of a run did, from their event files (starling timeline DIR).",
    options: timelineOptions,
  },
];
