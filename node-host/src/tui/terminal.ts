/** The terminal while the display owns it: the alternate screen, raw keys, what others print; and giving it all back at any exit. */
import { writeSync } from "node:fs";
import { onEndNow } from "../platform/parent.ts";

const LEAVE = "\u001b[?2026l\u001b[?1049l\u001b[?25h\u001b[?2004l\u001b[0m";

export interface Terminal {
  /** what the display writes to; everything else that is printed goes to `onPrinted` */
  stdout: NodeJS.WriteStream;
  /** Gives the terminal back; a second call does nothing. */
  restore: () => void;
}

/** `lastWords`: lines for the normal screen, asked for when the process ends without `restore` having been called. */
export function takeTerminal(onPrinted: (line: string, stream: "stdout" | "stderr") => void, lastWords: () => readonly string[]): Terminal {
  const { stdout, stderr, stdin } = process;
  const write = { stdout: stdout.write.bind(stdout), stderr: stderr.write.bind(stderr) };
  const own = new Proxy(stdout, {
    get(target, key) {
      if (key === "write") return write.stdout;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const capture = (name: "stdout" | "stderr") => {
    let rest = "";
    return ((chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
      const lines = (rest + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString())).split("\n");
      rest = lines.pop()!.slice(-4096);
      for (const line of lines) if (line.trim() !== "") onPrinted(line, name);
      const callback = typeof encoding === "function" ? encoding : done;
      if (typeof callback === "function") (callback as () => void)();
      return true;
    }) as typeof stdout.write;
  };
  stdout.write = capture("stdout");
  stderr.write = capture("stderr");

  let restored = false;
  const restore = (): void => {
    if (restored) return;
    restored = true;
    forget();
    process.off("exit", atExit);
    stdout.write = write.stdout;
    stderr.write = write.stderr;
    try {
      if (stdin.isTTY) stdin.setRawMode(false);
      // not through the stream: at the end of a process nobody empties it any more
      writeSync(stdout.fd, LEAVE);
    } catch {
      // the terminal is gone: nothing to give back
    }
  };
  const atExit = (): void => {
    if (restored) return;
    restore();
    try {
      for (const line of lastWords()) writeSync(stdout.fd, `${line}\n`);
    } catch {
      // as above
    }
  };
  process.on("exit", atExit);
  const forget = onEndNow(atExit);
  return { stdout: own, restore };
}
