/** `starling timeline DIR`: what the nodes of a run did, from their event files. */
import type { OptionsOf, timelineOptions } from "@starling/config";
import { EXIT_CODES } from "../errors.ts";

export type TimelineOptions = OptionsOf<typeof timelineOptions>;

export async function timeline(_options: TimelineOptions): Promise<number> {
  return EXIT_CODES.ok;
}
