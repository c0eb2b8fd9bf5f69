/** The run's training data: the first sequence is read as training will read it. */
import { resolveDataLocation } from "@starling/config/presets.node";
import { variantOf } from "@starling/config";
import { openProvider } from "../../data/openProvider.ts";
import { fail, ok, skip, type Check } from "../check.ts";
import type { Run } from "../subject.ts";

export function data(run: (signal: AbortSignal) => Promise<Run | null>, dataDirIsGiven: boolean, serverIsGiven: boolean): Check {
  return {
    id: "data",
    title: "Training data",
    timeoutMs: 30_000,
    run: async (signal) => {
      let subject: Run | null;
      try {
        subject = await run(signal);
      } catch (error) {
        return fail(
          `the run config cannot be used: ${(error as Error).message}`,
          "Mend the config, or name another one with --config-path.",
        );
      }
      if (!subject) return skip(serverIsGiven ? "the coordinator told no run" : "neither --config-path nor --server-addr names a run");
      const { config, dataDirectory } = subject;
      const { kind } = variantOf(config.model.LLM.data_location);
      if (kind === "Server") return skip("the run's data server gives data to members only");
      if (!subject.plan) return skip(`the model is not known: ${subject.planError}`);
      const provider = openProvider(resolveDataLocation(config, dataDirectory), subject.plan);
      try {
        const [sequence] = await provider.getSequences(0n, 0n, signal);
        return ok(`${kind}: a sequence of ${sequence?.length ?? 0} tokens was read`);
      } catch (error) {
        const isLocal = kind === "Local" || kind === "Preprocessed";
        const remedy = isLocal
          ? `${dataDirIsGiven ? "Correct --data-dir" : "Give --data-dir"}: the folder that the run's data path starts from; or make the files with starling prepare-data.`
          : "Check this machine's access to the internet, and the run's data location.";
        return fail((error as Error).message, remedy);
      } finally {
        await provider.close();
      }
    },
  };
}
