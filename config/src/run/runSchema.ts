/**
 * Every key of a run config, once: name, type, unit, default, rule, meaning. Names and limits are the existing system's
 * (facts sections 1.1, 2.1, 2.2); the keys under "ours" are additions, all with defaults, so its files parse unchanged.
 */
import type { NumberSpec } from "../fieldSpec.ts";
import { llamaFields } from "../llamaConfig.ts";
import { dataLocation } from "./dataLocation.ts";
import type { TableSpec, TaggedSpec } from "./schema.ts";

/** ten years: far beyond any run, and small enough that milliseconds stay exact */
const MAX_SECONDS = 315_360_000;
const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;
/** An epoch ends with two rounds that train nothing and only apply what is agreed. */
export const DRAIN_ROUNDS = 2;
export const MAX_CLIENTS = 256;
export const MAX_WITNESSES = 32;
export const MAX_RUN_ID_BYTES = 32;

/** The clock counts milliseconds, so a time is a whole number of them. */
const seconds = { type: "number", unit: "s", min: 0, max: MAX_SECONDS, parts: 1000 } as const satisfies Omit<NumberSpec, "doc">;
const positiveSeconds = { ...seconds, min: 0.001 } as const;
const step = { type: "integer", unit: "steps", min: 0, max: U32_MAX } as const;
const rate = { type: "number", unit: "learning rate", min: 0 } as const;
const text64 = { type: "string", maxBytes: 64 } as const;
const name64 = { type: "string", minBytes: 1, maxBytes: 64 } as const;

const configTable = {
  type: "table",
  doc: "How the coordinator runs the rounds.",
  fields: {
    warmup_time: { ...seconds, doc: "Longest Warmup: clients load or fetch the model. Shorter than epoch_time." },
    cooldown_time: { ...positiveSeconds, doc: "Length of Cooldown, in which the checkpoint is written." },
    max_round_train_time: { ...positiveSeconds, doc: "Longest RoundTrain; it ends earlier once a quorum of witnesses has reported." },
    round_witness_time: { ...positiveSeconds, doc: "Longest RoundWitness; it ends earlier once a quorum has the agreed results." },
    global_batch_size_warmup_tokens: {
      type: "integer",
      unit: "tokens",
      min: 0,
      default: 0,
      doc: "Tokens over which the batch grows from global_batch_size_start to global_batch_size_end; 0 = no ramp.",
    },
    epoch_time: {
      ...positiveSeconds,
      doc: "Time after which an epoch drains and ends. Left out beside rounds_per_epoch it is the longest those rounds can take.",
    },
    rounds_per_epoch: {
      type: "integer",
      unit: "rounds",
      min: 0,
      max: U16_MAX,
      default: 0,
      doc: "Rounds that train in an epoch, before the two that only drain the pipeline; 0 = the epoch ends by epoch_time alone.",
    },
    total_steps: { ...step, min: 1, doc: "Steps after which the run is Finished." },
    init_min_clients: {
      type: "integer",
      unit: "clients",
      min: 1,
      max: MAX_CLIENTS,
      doc: "Clients needed before an epoch starts; at least min_clients.",
    },
    min_clients: { type: "integer", unit: "clients", min: 1, max: MAX_CLIENTS, doc: "Clients below which a running epoch ends." },
    witness_nodes: {
      type: "integer",
      unit: "clients",
      min: 0,
      max: MAX_WITNESSES,
      doc: "Witnesses elected in each round, at most min_clients; 0 = everybody, up to 32.",
    },
    global_batch_size_start: {
      type: "integer",
      unit: "sequences",
      min: 1,
      max: U16_MAX,
      doc: "Sequences in a round at the start, shared by all clients.",
    },
    global_batch_size_end: {
      type: "integer",
      unit: "sequences",
      min: 1,
      max: U16_MAX,
      doc: "Sequences in a round after the ramp; at least global_batch_size_start.",
    },
    verification_percent: {
      type: "integer",
      unit: "%",
      min: 0,
      max: 100,
      default: 0,
      doc: "Share of the clients that verify others' results. Must be 0 until verification exists.",
      check: (percent: number) => (percent === 0 ? null : "must be 0: results cannot be verified yet, and a run must not promise it"),
    },
    waiting_for_members_extra_time: {
      ...positiveSeconds,
      default: 10,
      doc: "How long WaitingForMembers stays open after init_min_clients is reached.",
    },
    // ours
    result_share: {
      type: "number",
      above: 0,
      max: 1,
      parts: 10_000,
      default: 0.9,
      doc: "Share of the assigned batches that lets a witness report once straggler_grace has passed (never less than all but one).",
    },
    straggler_grace: {
      type: "number",
      unit: "median rounds",
      min: 0,
      max: 6,
      parts: 10_000,
      default: 0.25,
      doc: "How long a witness waits for missing batches, as a share of the median round so far.",
    },
    pipeline: {
      type: "choice",
      choices: ["overlapped", "sync"],
      default: "overlapped",
      doc: "overlapped: a round applies the results of two rounds before, while training; sync: each round waits for its own.",
    },
    earning_rate_total_shared: {
      type: "integer",
      unit: "points per epoch",
      min: 0,
      default: 0,
      doc: "Points an epoch pays, shared by rounds taken part in.",
    },
    slashing_rate_per_client: { type: "integer", unit: "points", min: 0, default: 0, doc: "Points an ejected client loses." },
  },
} as const satisfies TableSpec;

const hubRepo = {
  repo_id: { ...name64, doc: "Repository, OWNER/NAME." },
  revision: { ...text64, optional: true, doc: "Commit, tag or branch." },
} as const;
const gcsRepo = {
  bucket: { ...name64, doc: "Bucket name." },
  prefix: { ...text64, optional: true, doc: "Folder in the bucket." },
} as const;

const checkpoint = {
  type: "tagged",
  doc: "Where the model comes from at the start.",
  variants: {
    Ephemeral: { type: "unit", doc: "No model anywhere. Always refused; the existing system has it as a placeholder." },
    Dummy: { type: "table", doc: "No weights are loaded: small random ones, for tests.", fields: hubRepo },
    Hub: { type: "table", doc: "A Hugging Face repository.", fields: hubRepo },
    P2P: { type: "table", doc: "From the run's other clients; the repository is the last public copy.", fields: hubRepo },
    Gcs: { type: "table", doc: "A Google Cloud Storage bucket.", fields: gcsRepo },
    P2PGcs: { type: "table", doc: "From the run's other clients; the bucket holds the last public copy.", fields: gcsRepo },
    Random: {
      type: "table",
      doc: "Ours: every client generates the same initial weights.",
      fields: {
        config: {
          type: "json",
          doc: "The Hugging Face config of the model: a table, or a path to a config.json relative to this file.",
          known: llamaFields,
        },
        seed: { type: "integer", min: 0, max: U32_MAX, doc: "Seed of the weight generator." },
      },
    },
  },
} as const satisfies TaggedSpec;

const scheduleStart = {
  base_lr: { type: "number", unit: "learning rate", above: 0, doc: "Learning rate after the warm-up." },
  warmup_init_lr: { ...rate, doc: "Learning rate at step 0." },
  warmup_steps: { ...step, doc: "Steps from warmup_init_lr to base_lr." },
} as const;
const scheduleEnd = {
  total_steps: { ...step, min: 1, doc: "Step at which final_lr is reached; more than warmup_steps." },
  final_lr: { ...rate, doc: "Learning rate at the end." },
} as const;

const lrSchedule = {
  type: "tagged",
  doc: "Learning rate by step.",
  variants: {
    Constant: { type: "table", doc: "Warm-up, then base_lr.", fields: scheduleStart },
    Linear: { type: "table", doc: "Warm-up, then a line to final_lr.", fields: { ...scheduleStart, ...scheduleEnd } },
    Cosine: { type: "table", doc: "Warm-up, then half a cosine to final_lr.", fields: { ...scheduleStart, ...scheduleEnd } },
    WarmupStableDecay: {
      type: "table",
      doc: "Warm-up, a plateau, a cosine, a line.",
      fields: {
        ...scheduleStart,
        stable_steps: { ...step, doc: "Steps at base_lr." },
        cosine_decay_steps: { ...step, doc: "Steps from base_lr to cosine_decay_final_lr." },
        cosine_decay_final_lr: { ...rate, doc: "Learning rate after the cosine; at most base_lr." },
        linear_decay_steps: { ...step, doc: "Steps from cosine_decay_final_lr to linear_decay_final_lr." },
        linear_decay_final_lr: { ...rate, doc: "Learning rate after the line; at most cosine_decay_final_lr." },
      },
    },
  },
} as const satisfies TaggedSpec;

const clip = {
  type: "number",
  unit: "gradient norm",
  above: 0,
  optional: true,
  doc: "Norm to which a larger gradient is scaled down; left out = no clipping.",
} as const;
const MAX_CHUNK = 64;

const optimizer = {
  type: "tagged",
  doc: "What turns gradients into steps.",
  variants: {
    Dummy: { type: "unit", doc: "Does nothing. Always refused." },
    AdamW: {
      type: "table",
      doc: "Exchanges no gradients: for runs of a single client and for tests.",
      fields: {
        betas: { type: "numbers", min: 0, below: 1, minLength: 2, maxLength: 2, doc: "Decay of the first and of the second moment." },
        weight_decay: { type: "number", min: 0, doc: "Decoupled weight decay." },
        eps: { type: "number", above: 0, doc: "Added to the root of the second moment." },
        clip_grad_norm: clip,
      },
    },
    Distro: {
      type: "table",
      doc: "DisTrO: each client sends the signs of a few DCT coefficients of its momentum.",
      fields: {
        clip_grad_norm: clip,
        weight_decay: { type: "number", min: 0, optional: true, doc: "Decoupled weight decay; left out = none." },
        compression_decay: { type: "number", min: 0, below: 1, doc: "How much of the momentum is kept from round to round." },
        compression_topk: {
          type: "integer",
          unit: "coefficients a tile",
          min: 1,
          max: MAX_CHUNK * MAX_CHUNK,
          doc: "Coefficients sent of each tile; at most compression_chunk squared.",
        },
        compression_chunk: { type: "integer", unit: "elements", min: 1, max: MAX_CHUNK, doc: "Largest side of a tile." },
        quantize_1bit: { type: "boolean", doc: "Send signs only." },
      },
    },
  },
} as const satisfies TaggedSpec;

export const runSchema = {
  type: "table",
  doc: "A run.",
  // a coordinator that saves its state writes these beside the config; a config takes nothing from them
  ignored: ["run_state", "run_state_start_unix_timestamp", "pending_pause", "progress", "epoch_state"],
  fields: {
    run_id: { type: "string", minBytes: 1, maxBytes: MAX_RUN_ID_BYTES, optional: true, doc: "Name of the run." },
    config: configTable,
    model: {
      type: "table",
      doc: "What is trained.",
      fields: {
        LLM: {
          type: "table",
          doc: "A language model.",
          fields: {
            max_seq_len: { type: "integer", unit: "tokens", min: 1, max: U32_MAX, doc: "Tokens in a sequence." },
            cold_start_warmup_steps: {
              ...step,
              default: 0,
              doc: "Steps over which the learning rate rises again in an epoch that starts cold.",
            },
            architecture: {
              type: "choice",
              choices: ["HfLlama", "HfDeepseek", "HfAuto", "Torchtitan"],
              doc: "Model family; Starling trains HfLlama.",
            },
            data_type: { type: "choice", choices: ["Pretraining", "Finetuning"], doc: "What the data is." },
            checkpoint,
            data_location: dataLocation,
            lr_schedule: lrSchedule,
            optimizer,
          },
        },
      },
    },
    verification: { type: "table", optional: true, doc: "Reserved for verification, which does not exist yet: must be empty.", fields: {} },
  },
} as const satisfies TableSpec;
