/** `starling timeline DIR`: what the nodes of a run did, from their event files. */
import { writeFileSync } from "node:fs";
import type { OptionsOf, timelineOptions } from "@starling/config";
import { EXIT_CODES, HostError } from "../errors.ts";
import { timelineHtml } from "../telemetry/timeline/html.ts";
import { timelineJson } from "../telemetry/timeline/json.ts";
import { timelineText } from "../telemetry/timeline/text.ts";
import { buildTimeline, type Timeline } from "../telemetry/timeline/timeline.ts";

export type TimelineOptions = OptionsOf<typeof timelineOptions>;

export async function timeline({ dir, node, from, to, html, json }: TimelineOptions): Promise<number> {
  let built: Timeline | null;
  try {
    built = await buildTimeline({ directories: dir, nodes: node, from, to });
  } catch (cause) {
    throw new HostError("bad-option", `the events in ${dir.join(", ")} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (!built) {
    const of = node === undefined ? "" : ` of ${node.join(", ")}`;
    throw new HostError(
      "bad-option",
      `there are no event files${of} in ${dir.join(", ")}: give the folder that the nodes had as --events-dir`,
    );
  }
  if (html !== undefined) {
    try {
      writeFileSync(html, timelineHtml(built));
    } catch (cause) {
      throw new HostError("bad-option", `--html ${html} cannot be written: ${(cause as Error).message}`, { cause });
    }
  }
  const text = json ? `${JSON.stringify(timelineJson(built))}\n` : timelineText(built, process.stdout.columns ?? 120);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return EXIT_CODES.ok;
}
