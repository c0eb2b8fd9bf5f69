/** Ends the process as `main` says: its exit code, 2 for a wrong option, 1 for any other failure. */
import { ConfigError } from "@starling/config";

export function runMain(name: string, main: (argv: readonly string[]) => Promise<number>): void {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: Error & { code?: unknown }) => {
      // errors of ours carry a code and say what to do; anything else is a fault whose place matters
      console.error(`${name}: ${error.code === undefined ? error.stack : error.message}`);
      process.exit(error instanceof ConfigError ? 2 : 1);
    },
  );
}
