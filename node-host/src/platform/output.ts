/** Where a server's or client's events go to be seen: a display, sentences, or JSON lines. */
import { jsonLog, type HostLog } from "../events.ts";
import { consoleLog } from "./log.ts";
import { loadTui } from "../tui/load.ts";
import { chooseLogForm, type LogOptions } from "./logs.ts";

export interface Output {
  /** somebody looks: it is worth telling what only a display shows */
  isDisplay: boolean;
  log: HostLog;
  /** a sentence that is no event; not part of the JSON lines */
  say: (sentence: string) => void;
  /** what the display's key for pause and resume does */
  onPause: (pause: boolean) => void;
  /** Gives the terminal back. What is printed afterwards stays. */
  close: () => Promise<void>;
}

export async function openOutput(kind: "server" | "client", options: LogOptions): Promise<Output> {
  const { form, complaint } = chooseLogForm(options);
  const print = (line: string) => void process.stdout.write(line);
  if (form !== "tui") {
    const log = form === "json" ? jsonLog(print) : consoleLog(print);
    if (complaint) log({ type: "warning", message: complaint });
    return {
      isDisplay: false,
      log,
      say: (sentence) => form === "console" && print(`${sentence}\n`),
      onPause: () => undefined,
      close: async () => undefined,
    };
  }
  const { openTui } = await loadTui();
  const tui = openTui({ kind, onStop: () => process.kill(process.pid, "SIGINT"), onPause: (pause) => output.onPause(pause) });
  const output: Output = {
    isDisplay: true,
    log: tui.log,
    say: (text) => tui.tell({ type: "line", level: "info", text }),
    onPause: () => undefined,
    close: () => tui.close(),
  };
  return output;
}
