/** Options of `timeline`. */
import { defineOptions } from "../defineOptions.ts";

/** A date, or seconds from the first event. */
const moment = (text: string): string | null =>
  /^\d+(\.\d+)?$/.test(text) || Number.isFinite(Date.parse(text))
    ? null
    : "must be a date such as 2026-11-21T15:30:00Z, or seconds from the first event";

export const timelineOptions = defineOptions({
  dir: {
    type: "strings",
    unit: "path",
    flag: "--events-dir",
    minLength: 1,
    maxLength: 64,
    positional: true,
    env: null,
    doc: "Folder that the nodes were given as --events-dir; several, where they ran on several machines.",
  },
  node: {
    type: "strings",
    minLength: 1,
    maxLength: 1024,
    optional: true,
    env: null,
    doc: "Only these nodes, as in server,client-1; left out = all.",
  },
  from: { type: "string", optional: true, env: null, check: moment, doc: "First moment shown: a date, or seconds from the first event." },
  to: { type: "string", optional: true, env: null, check: moment, doc: "Last moment shown: a date, or seconds from the first event." },
  html: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    env: null,
    doc: "Also write a page that can be zoomed into this file; it needs no network.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object instead of text." },
});
