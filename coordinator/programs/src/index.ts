/** A chain in one process with the three programs, for tests and the bench. Begin with `Chain`. */
export { programArtifact, PROGRAM_NAMES, type ProgramArtifact, type ProgramName } from "./artifacts.ts";
export { attack, type AttackOptions } from "./attack.ts";
export { type Check, CHECKS, Coverage } from "./coverage.ts";
export { Chain, type ChainOptions, type Outcome, type Programs } from "./harness.ts";
export { type Member, Scenario, type ScenarioOptions } from "./scenario.ts";
