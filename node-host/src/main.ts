/** Entry of the `starling` command as a process. */
import { failure, starling } from "./cli.ts";
import { EXIT_CODES } from "./errors.ts";

// a terminal that is gone, or a pipe that nobody reads, must not end a run
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

// What escapes every handler is a bug of ours; say so and stop, rather than go on half-dead.
process.on("unhandledRejection", (error) => {
  process.stderr.write(`starling: internal error, please report it: ${(error as Error)?.stack ?? String(error)}\n`);
  process.exit(EXIT_CODES.failed);
});

starling(process.argv.slice(2), process.env).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const { code, sentence } = failure(error);
    process.stderr.write(`${sentence}\n`);
    process.exit(code);
  },
);
