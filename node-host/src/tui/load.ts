/** Loads the display. Only where one is wanted: react and ink take 100 ms and 20 MB. */

/** React reads NODE_ENV once, when it is loaded; its development build costs four times as much at each frame. */
export async function loadTui(): Promise<typeof import("./tui.ts")> {
  const before = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = before ?? "production";
  try {
    return await import("./tui.ts");
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"]; // child processes need not know
  }
}
