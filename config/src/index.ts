export { ConfigError, type ConfigErrorCode, type Issue } from "./errors.ts";
export * from "./run/runConfig.ts";
export { parseWeightedHttp, type WeightedHttpFile } from "./run/dataLocation.ts";
export { validateRunConfig } from "./run/rules.ts";
export { variantOf, type JsonObject } from "./run/schema.ts";
export { DRAIN_ROUNDS, MAX_CLIENTS, MAX_RUN_ID_BYTES, MAX_WITNESSES, runSchema } from "./run/runSchema.ts";
export { chainConfigIssues } from "./run/chainRules.ts";
export { toMachineConfig, type MachineConfigValues } from "./run/machineConfig.ts";
export { parseLlamaConfig, toHfConfig, type LlamaConfig, type RopeScaling } from "./llamaConfig.ts";
export { runConfigForm, runConfigMarkdown, type FormNode } from "./run/renderRun.ts";
export {
  defineOptions,
  givenText,
  parseOptions,
  type NamedOption,
  type OptionSet,
  type OptionSpec,
  type OptionSpecs,
  type OptionsOf,
  type OptionValues,
} from "./defineOptions.ts";
export { mergeEnvironment, parseEnvFile } from "./envFile.ts";
export { docsMarkdown, helpText, optionsJson, type FormField } from "./renderOptions.ts";
export {
  clientOptions,
  dataServerOptions,
  deployProgramsOptions,
  prepareDataOptions,
  doctorOptions,
  evaluateOptions,
  exportMatformerTiersOptions,
  generateOptions,
  localTestnetOptions,
  localValidatorOptions,
  memoryOptions,
  programs,
  serverOptions,
  timelineOptions,
  trainOptions,
  webOptions,
  type Program,
} from "./programs.ts";
export * from "./programs/chainPrograms.ts";
export { nearestName } from "./nearest.ts";
