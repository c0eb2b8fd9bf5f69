import { programs } from "./programs.ts";
import { docsMarkdown } from "./renderOptions.ts";
import { runConfigMarkdown } from "./run/renderRun.ts";

/** The text of docs/options.md. */
export function docs(): string {
  const parts = [
    "# Options",
    "<!-- generated from config/src by `npm run generate`; edit the option sets there -->",
    "Every option is also an environment variable; the command line wins. Times are in seconds unless the unit says otherwise.",
    ...programs.flatMap(({ verb, summary, options }) => [`## \`starling ${verb}\``, summary, docsMarkdown(options)]),
    "## The run config",
    "TOML. An enum is written by its variant's name, or as a table of that name when the variant has data.",
    runConfigMarkdown(),
  ];
  return `${parts.join("\n\n")}\n`;
}
