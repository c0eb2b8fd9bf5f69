/** The display of a running command: takes events and sentences in, draws at most five times a second, asks for stop and pause. */
import { render } from "ink";
import { createElement } from "react";
import type { HostEvent, HostLog } from "../events.ts";
import type { LogLevel } from "../platform/logLevel.ts";
import { isShown } from "../platform/logLevel.ts";
import { Sentences } from "../platform/sentences.ts";
import { App } from "./app.ts";
import { freshUi, onKey, type Key, type Ui } from "./keys.ts";
import { freshModel, reduce, SELF, SERVER, type Model, type TuiInput, type Untimed, type ViewKind } from "./model.ts";
import { lastWords } from "./summary.ts";
import { takeTerminal } from "./terminal.ts";
import { frame, type Size } from "./views/frame.ts";

export interface TuiOptions {
  kind: ViewKind;
  /** the usual stop, as by Ctrl-C; asked for a second time it ends the process */
  onStop: () => void;
  onPause: (pause: boolean) => void;
  /** the process is another one: its display neither ends nor pauses it */
  isWatching?: boolean;
  /** lines less important than this are not shown */
  level?: LogLevel;
}

export interface Tui {
  /** takes the model's inputs; `atMs` is now */
  tell(input: Untimed<TuiInput>): void;
  /** for a server or client: its events, and the sentences made of them */
  log: HostLog;
  /** Gives the terminal back and prints what is worth keeping. */
  close(): Promise<void>;
}

const LEAST_FRAME_MS = 200;
const MOST_FRAME_MS = 4_000;
/** A frame's own time may be a ninetieth of that until the next one: with what follows it (effects, collection) below 2 % of a core. */
const FRAME_PER_COST = 90;
/** then the keys are named again */
const NOTICE_MS = 5_000;
/** times run on without any event */
const TICK_MS = 1_000;

export function openTui({ kind, onStop, onPause, isWatching = false, level = "info" }: TuiOptions): Tui {
  let model: Model = freshModel(kind);
  let ui: Ui = { ...freshUi, isWatching };
  let drawn: NodeJS.Timeout | null = null;
  let drawnAtMs = -Infinity;
  let frameMs = LEAST_FRAME_MS;
  let closed = false;
  let noticeUntilMs = 0;

  const tell = (input: Untimed<TuiInput>): void => {
    model = reduce(model, { ...input, atMs: Date.now() } as TuiInput);
    schedule();
  };
  const terminal = takeTerminal(
    (text, stream) => tell({ type: "line", text, level: stream === "stderr" ? "warn" : "info" }),
    () => lastWords(model),
  );
  const { stdout } = terminal;
  const colours = process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === "";
  const size = (): Size => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const tree = () => createElement(App, { lines: frame(model, ui, size(), Date.now(), performance.now()), colours, onKey: handleKey });

  // before ink's own listener: when that one paints, the rows are those of the new size
  const onResize = () => draw();
  stdout.on("resize", onResize);
  const app = render(tree(), {
    stdout,
    interactive: true,
    alternateScreen: true,
    exitOnCtrlC: false,
    patchConsole: false,
    incrementalRendering: true,
    maxFps: 30,
  });
  const ticker = setInterval(schedule, TICK_MS);

  function draw(): void {
    if (closed) return;
    if (drawn) clearTimeout(drawn);
    drawn = null;
    if (ui.notice !== null && performance.now() > noticeUntilMs) ui = { ...ui, notice: null };
    const before = process.threadCpuUsage();
    app.rerender(tree());
    const { user, system } = process.threadCpuUsage(before);
    drawnAtMs = performance.now();
    frameMs = Math.min(MOST_FRAME_MS, Math.max(LEAST_FRAME_MS, ((user + system) / 1000) * FRAME_PER_COST));
  }

  function schedule(): void {
    if (closed || drawn) return;
    drawn = setTimeout(draw, Math.max(0, drawnAtMs + frameMs - performance.now()));
  }

  function handleKey(key: Key): void {
    const { ui: next, asked } = onKey(ui, key, { kind, isPaused: model.phase?.runState === "Paused", page: Math.max(1, size().rows - 8) });
    ui = next;
    noticeUntilMs = performance.now() + NOTICE_MS;
    if (asked === "stop") onStop();
    if (asked === "pause" || asked === "resume") onPause(asked === "pause");
    if (asked === "redraw") app.clear();
    draw();
  }

  const sentences = new Sentences();
  return {
    tell,
    log: (event) => {
      tell({ type: "event", node: kind === "server" ? SERVER : SELF, event });
      if (event.type === "phase" && event.runState === "Paused") ui = { ...ui, pauseAsked: false };
      const text = sentences.of(event);
      const of = levelOf(event);
      if (text !== null && isShown(of, level)) tell({ type: "line", level: of, text: text.replace(/^warning: /, "") });
    },
    close: async () => {
      if (closed) return;
      draw();
      closed = true;
      if (drawn) clearTimeout(drawn);
      clearInterval(ticker);
      stdout.off("resize", onResize);
      app.unmount();
      await app.waitUntilExit();
      terminal.restore();
      for (const line of lastWords(model)) process.stdout.write(`${line}\n`);
    },
  };
}

/** How much an event's sentence matters to the person who looks. */
function levelOf(event: HostEvent): LogLevel {
  switch (event.type) {
    case "warning":
    case "resources":
    case "limit":
    case "events-dropped":
    case "went-back":
      return "warn";
    case "member":
      return event.change === "ejected" || event.change === "dropped" ? "warn" : "info";
    case "round":
      switch (event.event.type) {
        case "behind":
        case "stranded":
        case "epochLost":
        case "resync":
        case "wentBack":
        case "equivocation":
        case "rejected":
        case "error":
          return "warn";
        default:
          return "info";
      }
    default:
      return "info";
  }
}
