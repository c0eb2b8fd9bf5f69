/** The display of a process that runs elsewhere, from the file that it writes its events to: `watch.ts NAME FILE`. Ends nothing but itself. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { parseEvent } from "../events.ts";
import { loadTui } from "./load.ts";

const LOOK_EVERY_MS = 300;
/** what happened longer ago is not read */
const KEPT_BYTES = 8 * 1024 * 1024;
const MOST_AT_ONCE_BYTES = 1024 * 1024;

const [name = "", file = ""] = process.argv.slice(2);

function follow(onLine: (line: string) => void): void {
  let at = -1;
  let rest = "";
  let inode = -1;
  const look = (): void => {
    let fd: number;
    try {
      fd = openSync(file, "r");
    } catch {
      return; // not there yet
    }
    try {
      const { size, ino } = fstatSync(fd);
      if (ino !== inode || size < at) {
        inode = ino;
        at = Math.max(0, size - KEPT_BYTES);
        rest = "";
      }
      while (at < size) {
        const buffer = Buffer.alloc(Math.min(MOST_AT_ONCE_BYTES, size - at));
        const read = readSync(fd, buffer, 0, buffer.length, at);
        if (read === 0) break;
        at += read;
        const lines = (rest + buffer.toString("utf8", 0, read)).split("\n");
        rest = lines.pop()!;
        for (const line of lines) onLine(line);
      }
    } finally {
      closeSync(fd);
    }
  };
  look();
  setInterval(look, LOOK_EVERY_MS);
}

const done = async (): Promise<void> => {
  await tui.close();
  process.exit(0);
};
const { openTui } = await loadTui();
const tui = openTui({
  kind: name === "server" ? "server" : "client",
  isWatching: true,
  onStop: () => void done(),
  onPause: () => undefined,
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void done());
follow((line) => {
  const event = parseEvent(line);
  if (event) tui.log(event);
  else if (line.trim() !== "") tui.tell({ type: "line", level: "warn", text: line });
});
