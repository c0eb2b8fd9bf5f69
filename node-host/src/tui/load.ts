/** Loads the display. Only where one is wanted: react and ink take 100 ms and 20 MB. */

import type { openTui } from "./tui.ts";

/** React reads NODE_ENV once, when it is loaded; its development build costs four times as much at each frame. */
export async function loadTui(): Promise<{ openTui: typeof openTui }> {
  const before = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = before ?? "production";
  try {
    return await import("./tui.ts");
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"]; // child processes need not know
  }
}
