/** What the page of one run needs beyond the list: the machine's rules and the words for its configuration. Loaded when one is opened. */
import { Machine } from "@starling/sdk/machine";
import { runView, type ViewInput } from "./runView.ts";

export { readConfig, type ReadConfig } from "./configView.ts";

/** `bytes`: a snapshot's state, packed. Errors: MachineError. */
export function viewOfSnapshot({ bytes, ...rest }: Omit<ViewInput, "machine"> & { bytes: Uint8Array }): ReturnType<typeof runView> {
  return runView({ ...rest, machine: Machine.load(bytes) });
}
