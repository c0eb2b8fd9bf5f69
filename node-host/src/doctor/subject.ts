/** What several checks look at, found once: the coordinator, the run, the adapter. A failure is remembered like a result. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseRunConfig, type RunConfig } from "@starling/config";
import { parseLlamaConfig } from "@starling/config/llamaConfig";
import { loadRunConfig } from "@starling/config/presets.node";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";
import { adapterFor, type AdapterChoice } from "./adapterReport.ts";
import type { DoctorOptions } from "./check.ts";
import { visitCoordinator, type Contact } from "./contact.ts";

export interface Run {
  runId: string;
  config: RunConfig;
  /** null where the model is known only to who has its checkpoint; `planError` says so */
  plan: RunPlan | null;
  planError: string | null;
  /** against which a relative data path is resolved */
  dataDirectory: string;
}

export class Subject {
  readonly options: DoctorOptions;
  #contact: Promise<Contact> | null = null;
  #adapter: Promise<AdapterChoice> | null = null;

  constructor(options: DoctorOptions) {
    this.options = options;
  }

  /** Null when no --server-addr was given. Errors: ContactError. */
  async contact(signal: AbortSignal): Promise<Contact | null> {
    if (this.options.serverAddr === undefined) return null;
    return (this.#contact ??= visitCoordinator(this.options.serverAddr, signal));
  }

  adapter(signal: AbortSignal): Promise<AdapterChoice> {
    return (this.#adapter ??= adapterFor(this.options.device, signal, this.options.adapter));
  }

  /** Of --config-path, else of the coordinator; null where neither is there. Errors: ConfigError for a config that cannot be read. */
  async run(signal: AbortSignal): Promise<Run | null> {
    const { configPath, dataDir, checkpoint } = this.options;
    if (configPath !== undefined) {
      const loaded = loadRunConfig(configPath, process.cwd());
      return withPlan(loaded.runId, loaded.config, resolve(dataDir ?? loaded.dataDirectory ?? dirname(loaded.configPath)), checkpoint);
    }
    const contact = await this.contact(signal).catch(() => null);
    if (!contact?.config) return null;
    const config = parseRunConfig(contact.configToml, { source: "the coordinator's run config" });
    return withPlan(contact.runId, config, resolve(dataDir ?? "."), checkpoint);
  }
}

function withPlan(runId: string, config: RunConfig, dataDirectory: string, checkpoint: string | undefined): Run {
  try {
    const llama =
      checkpoint === undefined ? undefined : parseLlamaConfig(JSON.parse(readFileSync(join(checkpoint, "config.json"), "utf8")));
    return { runId, config, plan: runPlan(config, llama), planError: null, dataDirectory };
  } catch (error) {
    return { runId, config, plan: null, planError: (error as Error).message, dataDirectory };
  }
}
