/** Which checks `starling doctor` makes, in the order in which it prints them. */
import type { Check, DoctorOptions } from "./check.ts";
import { nodeVersion } from "./checks/nodeVersion.ts";

export function checksFor(_options: DoctorOptions): Check[] {
  return [nodeVersion()];
}
