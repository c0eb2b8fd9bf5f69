import { networkCompliance } from "./compliance.ts";
import { generateKeypair } from "./keys.ts";
import { MemoryHub } from "./memoryHub.ts";

const hub = new MemoryHub({ seed: 1 });

networkCompliance("memory", {
  create: async (seed, options) => hub.join(generateKeypair(seed).publicKey, options),
  kill: async (network) => hub.kill(network.self),
});
