/** The `starling` command without its process: finds the verb, parses its options, runs it, turns an error into a sentence and an exit code. */
import { readFileSync } from "node:fs";
import {
  ConfigError,
  givenText,
  helpText,
  mergeEnvironment,
  nearestName,
  parseEnvFile,
  parseOptions,
  programs,
  type OptionSet,
  type OptionValues,
  type OptionSpecs,
} from "@starling/config";
import {
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
  serverOptions,
  timelineOptions,
  trainOptions,
  webOptions,
} from "@starling/config";
import * as chain from "@starling/config/programs/chainPrograms";
import { hostErrorOf } from "./chain/actionFailure.ts";
import { EXIT_CODES, HostError, exitCodeOf } from "./errors.ts";

type Command = (argv: readonly string[], environment: NodeJS.ProcessEnv) => Promise<number>;

function command<T extends OptionSpecs>(options: OptionSet<T>, load: () => Promise<(values: OptionValues<T>) => Promise<number>>): Command {
  return async (argv, environment) => {
    const values = parseOptions(options, argv, readEnvironment(options, argv, environment));
    const run = await load();
    try {
      return await run(values);
    } catch (error) {
      throw hostErrorOf(error);
    }
  };
}

/** The environment, with what `--env-file` adds to it; what is no option's, such as a proxy, counts as well. */
function readEnvironment(options: OptionSet, argv: readonly string[], environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = givenText(options, argv, "envFile");
  if (path === null) return environment;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new HostError("bad-option", `--env-file ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return Object.assign(environment, mergeEnvironment(environment, parseEnvFile(text, path)));
}

/** Loaded only when called: `--help` must not pay for libp2p. */
const COMMANDS: Readonly<Record<string, Command>> = {
  "local-testnet start": command(localTestnetOptions, async () => (await import("./commands/localTestnet.ts")).localTestnet),
  server: command(serverOptions, async () => (await import("./commands/server.ts")).server),
  client: command(clientOptions, async () => (await import("./commands/client.ts")).client),
  "can-join": command(chain.canJoinOptions, async () => (await import("./commands/canJoin.ts")).canJoin),
  "list-runs": command(chain.listRunsOptions, async () => (await import("./commands/listRuns.ts")).listRuns),
  "create-run": command(chain.createRunOptions, async () => (await import("./commands/createRun.ts")).createRun),
  "update-config": command(chain.updateConfigOptions, async () => (await import("./commands/updateConfig.ts")).updateConfig),
  "set-paused": command(chain.setPausedOptions, async () => (await import("./commands/setPaused.ts")).setPaused),
  "set-future-epoch-rates": command(
    chain.setFutureEpochRatesOptions,
    async () => (await import("./commands/setFutureEpochRates.ts")).setFutureEpochRates,
  ),
  "treasurer-top-up-rewards": command(
    chain.treasurerTopUpRewardsOptions,
    async () => (await import("./commands/treasurerTopUpRewards.ts")).treasurerTopUpRewards,
  ),
  "treasurer-claim-rewards": command(
    chain.treasurerClaimRewardsOptions,
    async () => (await import("./commands/treasurerClaimRewards.ts")).treasurerClaimRewards,
  ),
  "json-info-dump": command(chain.jsonInfoDumpOptions, async () => (await import("./commands/jsonDump.ts")).jsonInfoDump),
  "json-dump-user": command(chain.jsonDumpUserOptions, async () => (await import("./commands/jsonDump.ts")).jsonDumpUser),
  "join-authorization-create": command(
    chain.joinAuthorizationCreateOptions,
    async () => (await import("./commands/joinAuthorization.ts")).joinAuthorizationCreate,
  ),
  "join-authorization-read": command(
    chain.joinAuthorizationReadOptions,
    async () => (await import("./commands/joinAuthorization.ts")).joinAuthorizationRead,
  ),
  "join-authorization-delegate": command(
    chain.joinAuthorizationDelegateOptions,
    async () => (await import("./commands/joinAuthorization.ts")).joinAuthorizationDelegate,
  ),
  "join-authorization-delete": command(
    chain.joinAuthorizationDeleteOptions,
    async () => (await import("./commands/joinAuthorization.ts")).joinAuthorizationDelete,
  ),
  "deposit-bond": command(chain.depositBondOptions, async () => (await import("./commands/bond.ts")).depositBond),
  "withdraw-bond": command(chain.withdrawBondOptions, async () => (await import("./commands/bond.ts")).withdrawBond),
  "close-membership": command(chain.closeMembershipOptions, async () => (await import("./commands/closeMembership.ts")).closeMembership),
  "sweep-sessions": command(chain.sweepSessionsOptions, async () => (await import("./commands/sweepSessions.ts")).sweepSessions),
  checkpoint: command(chain.checkpointOptions, async () => (await import("./commands/checkpoint.ts")).checkpoint),
  tick: command(chain.tickOptions, async () => (await import("./commands/tick.ts")).tick),
  "close-run": command(chain.closeRunOptions, async () => (await import("./commands/closeRun.ts")).closeRun),
  "withdraw-surplus": command(chain.withdrawSurplusOptions, async () => (await import("./commands/withdrawSurplus.ts")).withdrawSurplus),
  predownload: command(chain.predownloadOptions, async () => (await import("./commands/predownload.ts")).predownload),
  "show-static-p2p-identity": command(
    chain.showStaticP2pIdentityOptions,
    async () => (await import("./commands/p2pIdentity.ts")).showStaticP2pIdentity,
  ),
  "create-static-p2p-identity": command(
    chain.createStaticP2pIdentityOptions,
    async () => (await import("./commands/p2pIdentity.ts")).createStaticP2pIdentity,
  ),
  web: command(webOptions, async () => (await import("./commands/web.ts")).web),
  train: command(trainOptions, async () => (await import("./commands/train.ts")).train),
  "local-validator": command(localValidatorOptions, async () => (await import("./commands/localValidator.ts")).localValidator),
  "deploy-programs": command(deployProgramsOptions, async () => (await import("./commands/deployPrograms.ts")).deployPrograms),
  "prepare-data": command(prepareDataOptions, async () => (await import("./commands/prepareData.ts")).prepareData),
  "data-server": command(dataServerOptions, async () => (await import("./commands/dataServer.ts")).dataServer),
  generate: command(generateOptions, async () => (await import("./commands/generate.ts")).generate),
  evaluate: command(evaluateOptions, async () => (await import("./commands/evaluate.ts")).evaluate),
  "export-matformer-tiers": command(
    exportMatformerTiersOptions,
    async () => (await import("./commands/exportMatformerTiers.ts")).exportMatformerTiers,
  ),
  memory: command(memoryOptions, async () => (await import("./commands/memory.ts")).memory),
  doctor: command(doctorOptions, async () => (await import("./commands/doctor.ts")).doctor),
  timeline: command(timelineOptions, async () => (await import("./commands/timeline.ts")).timeline),
};

/** Other spellings: document 000 also writes the local testnet without its `start`; a later name of the dump. */
const ALIASES: Readonly<Record<string, string>> = { "local-testnet": "local-testnet start", "json-dump-run": "json-info-dump" };

/** The verb that `argv` begins with, and what follows it. */
function verbOf(argv: readonly string[]): { verb: string; rest: readonly string[] } | null {
  const spellings = [...Object.keys(COMMANDS), ...Object.keys(ALIASES)].sort((a, b) => b.length - a.length);
  const said = spellings.find((name) => name.split(" ").every((word, i) => argv[i] === word));
  return said === undefined ? null : { verb: ALIASES[said] ?? said, rest: argv.slice(said.split(" ").length) };
}

function usage(): string {
  const width = Math.max(...programs.map((p) => p.verb.length));
  const verbs = programs.map((p) => `  ${p.verb.padEnd(width)}  ${p.summary}`).join("\n");
  return `starling <verb> [options]\n\n${verbs}\n\nstarling <verb> --help lists a verb's options with units, defaults and environment variables.\n`;
}

/** Resolves to the exit code. Errors: of our rooms, and ConfigError; `failure` makes a sentence and an exit code of them. */
export async function starling(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const found = verbOf(argv);
  if (found === null) {
    const asked = argv.filter((a) => !a.startsWith("-")).join(" ");
    if (asked === "" || argv.includes("--help")) {
      process.stdout.write(usage());
      return asked === "" && !argv.includes("--help") ? EXIT_CODES.usage : EXIT_CODES.ok;
    }
    const near = nearestName(asked, Object.keys(COMMANDS));
    throw new HostError("bad-option", `there is no verb "${asked}"${near ? `; did you mean "${near}"?` : ""}\n\n${usage()}`);
  }
  const { verb, rest } = found;
  if (rest.includes("--help")) {
    const program = programs.find((p) => p.verb === verb)!;
    process.stdout.write(`starling ${verb} [options]\n\n${program.summary}\n\n${helpText(program.options)}\n`);
    return EXIT_CODES.ok;
  }
  return COMMANDS[verb]!(rest, environment);
}

/** Errors of our rooms carry a sentence; of all others the stack is worth more. By name: importing the classes would load libp2p. */
const OUR_ERRORS: ReadonlySet<string> = new Set([
  "HostError",
  "ConfigError",
  "ServerError",
  "CoordinatorError",
  "CheckpointError",
  "DataError",
  "NetworkError",
  "BlobError",
  "TrainError",
  "DeviceError",
  "TokenizerError",
  "GenerateError",
  "EvaluateError",
  "ParallelError",
  "ChainError",
]);

export function failure(error: unknown): { code: number; sentence: string } {
  // the reason of a signal that aborted the work
  if (!(error instanceof Error)) return { code: EXIT_CODES.failed, sentence: `starling: ended by ${String(error)}` };
  return {
    code: error instanceof ConfigError ? EXIT_CODES.usage : exitCodeOf(error),
    sentence: `starling: ${OUR_ERRORS.has(error.name) ? error.message : (error.stack ?? error.message)}`,
  };
}
