import type { FuzzTarget } from "../target.ts";
import { chainTargets } from "./chain.ts";
import { coordinatorTargets } from "./coordinator.ts";
import { fileTargets } from "./files.ts";
import { networkTargets } from "./network.ts";
import { protocolTargets } from "./protocol.ts";

export const targets: readonly FuzzTarget[] = [
  ...networkTargets,
  ...protocolTargets,
  ...coordinatorTargets,
  ...chainTargets,
  ...fileTargets,
];
