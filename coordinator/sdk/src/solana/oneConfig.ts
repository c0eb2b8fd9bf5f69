/** A run on chain has its configuration twice: as the text that people and clients read, and as the integers that the program works with. */
import { ConfigError, parseRunConfig, toMachineConfig } from "@starling/config";
import { CoordinatorError } from "../errors.ts";
import { configOf } from "../stateCodec.ts";
import type { MachineConfig } from "../types.ts";
import type { RunConfig, RunHeader } from "./accounts.ts";

/** `set_future_epoch_rates` changes them without a new text. */
const RATES: ReadonlySet<keyof MachineConfig> = new Set(["earningRateTotalShared", "slashingRatePerClient"]);

/**
 * The text, if the integers are those that it gives. Only the run's creator can put others in force; who trained by the text then
 * would miss phases and lose points, and nobody would see why.
 * @throws CoordinatorError `malformed`, naming what differs
 */
export function requireOneConfig(header: RunHeader, { toml }: RunConfig): string {
  let given: MachineConfig;
  try {
    given = toMachineConfig(parseRunConfig(toml, { source: "the run's configuration on chain" }));
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new CoordinatorError("malformed", `this client cannot read the run's configuration: ${cause.message}`, { cause });
  }
  const inForce = configOf(header.machine);
  const differ = (Object.keys(given) as (keyof MachineConfig)[]).filter((key) => !RATES.has(key) && given[key] !== inForce[key]);
  if (differ.length === 0) return toml;
  const what = differ.map((key) => `${key} is ${inForce[key]}, the text says ${given[key]}`).join("; ");
  throw new CoordinatorError(
    "malformed",
    `the run's configuration in force is not the one that its text gives: ${what}. Ask its creator to run update-config`,
  );
}
