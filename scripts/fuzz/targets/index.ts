import type { FuzzTarget } from "../target.ts";
import { coordinatorTargets } from "./coordinator.ts";
import { fileTargets } from "./files.ts";
import { networkTargets } from "./network.ts";
import { protocolTargets } from "./protocol.ts";

export const targets: readonly FuzzTarget[] = [...networkTargets, ...protocolTargets, ...coordinatorTargets, ...fileTargets];
