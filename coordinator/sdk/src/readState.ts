import { MachineError } from "./machineError.ts";
import { unpackState } from "./stateBytes.ts";
import { decodeState } from "./stateCodec.ts";
import type { CoordinatorState } from "./types.ts";

/**
 * The state in `Machine.bytes()`, for who only shows it: without the machine, and so without its rules. Errors: MachineError
 * WrongStateSize, CorruptState.
 */
export function readState(packed: Uint8Array): CoordinatorState {
  const bytes = unpackState(packed);
  try {
    return decodeState(bytes);
  } catch (cause) {
    throw new MachineError("CorruptState", "read: the state does not decode", { cause });
  }
}
