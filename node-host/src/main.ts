/** Entry of the `starling` command: finds the verb, parses its options, runs it, turns an error into a sentence and an exit code. */
import { ConfigError, helpText, nearestName, parseOptions, programs, type OptionSet, type OptionValues, type OptionSpecs } from "@starling/config";
import { clientOptions, localTestnetOptions, serverOptions } from "@starling/config";
import { EXIT_CODES, HostError, exitCodeOf } from "./errors.ts";

type Command = (argv: readonly string[]) => Promise<number>;

function command<T extends OptionSpecs>(options: OptionSet<T>, load: () => Promise<(values: OptionValues<T>) => Promise<number>>): Command {
  return async (argv) => {
    const values = parseOptions(options, argv, process.env);
    return (await load())(values);
  };
}

/** Loaded only when called: `--help` must not pay for libp2p. */
const COMMANDS: Readonly<Record<string, Command>> = {
  "local-testnet start": command(localTestnetOptions, async () => (await import("./commands/localTestnet.ts")).localTestnet),
  server: command(serverOptions, async () => (await import("./commands/server.ts")).server),
  client: command(clientOptions, async () => (await import("./commands/client.ts")).client),
};

function usage(): string {
  const width = Math.max(...programs.map((p) => p.verb.length));
  const verbs = programs.map((p) => `  ${p.verb.padEnd(width)}  ${p.summary}`).join("\n");
  return `starling <verb> [options]\n\n${verbs}\n\nstarling <verb> --help lists a verb's options with units, defaults and environment variables.\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const verb = Object.keys(COMMANDS)
    .sort((a, b) => b.length - a.length)
    .find((name) => name.split(" ").every((word, i) => argv[i] === word));
  if (verb === undefined) {
    const asked = argv.filter((a) => !a.startsWith("-")).join(" ");
    if (asked === "" || argv.includes("--help")) {
      process.stdout.write(usage());
      return asked === "" && !argv.includes("--help") ? EXIT_CODES.usage : EXIT_CODES.ok;
    }
    const near = nearestName(asked, Object.keys(COMMANDS));
    throw new HostError("bad-option", `there is no verb "${asked}"${near ? `; did you mean "${near}"?` : ""}\n\n${usage()}`);
  }
  const rest = argv.slice(verb.split(" ").length);
  if (rest.includes("--help")) {
    const program = programs.find((p) => p.verb === verb)!;
    process.stdout.write(`starling ${verb} [options]\n\n${program.summary}\n\n${helpText(program.options)}\n`);
    return EXIT_CODES.ok;
  }
  return COMMANDS[verb]!(rest);
}

// What escapes every handler is a bug of ours; say so and stop, rather than go on half-dead.
process.on("unhandledRejection", (error) => {
  process.stderr.write(`starling: internal error, please report it: ${(error as Error)?.stack ?? String(error)}\n`);
  process.exit(EXIT_CODES.failed);
});

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error) => {
    const known = error instanceof HostError || error instanceof ConfigError;
    process.stderr.write(`starling: ${known ? error.message : (error.stack ?? error.message)}\n`);
    process.exit(error instanceof ConfigError ? EXIT_CODES.usage : exitCodeOf(error));
  },
);
