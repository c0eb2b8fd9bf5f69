export { ConfigError, type ConfigErrorCode, type Issue } from "./errors.ts";
export * from "./run/runConfig.ts";
export { validateRunConfig } from "./run/rules.ts";
export { variantOf, type JsonObject } from "./run/schema.ts";
export { MAX_CLIENTS, MAX_RUN_ID_BYTES, MAX_WITNESSES, runSchema } from "./run/runSchema.ts";
export { toMachineConfig, type MachineConfigValues } from "./run/machineConfig.ts";
export { parseLlamaConfig, toHfConfig, type LlamaConfig, type RopeScaling } from "./llamaConfig.ts";
