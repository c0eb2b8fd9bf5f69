/** What the keys do: the state of the view itself, as a pure function, and what else is asked of the command. */
import type { ViewKind } from "./model.ts";

export const TABS = ["Run", "Clients", "Network", "Log"] as const;

export const LOG_TAB = 3;

export interface Ui {
  /** index into TABS */
  tab: number;
  help: boolean;
  /** rows scrolled up from the newest, in lists and the log */
  offset: number;
  /** the log shows warnings and errors only */
  troublesOnly: boolean;
  pauseAsked: boolean;
  notice: string | null;
  /** the process shown is another one */
  isWatching: boolean;
}

export const freshUi: Ui = { tab: 0, help: false, offset: 0, troublesOnly: false, pauseAsked: false, notice: null, isWatching: false };

/** the views stop at their end */
const FAR = 1_000_000;

/** `page`: rows that one page scrolls. */
export interface KeyContext {
  kind: ViewKind;
  isPaused: boolean;
  page: number;
}

export type Key =
  | { name: "character"; character: string }
  | { name: "tab" | "back-tab" | "left" | "right" | "up" | "down" | "page-up" | "page-down" | "home" | "end" | "escape" };

export type Asked = "stop" | "pause" | "resume" | "redraw";

export function onKey(before: Ui, key: Key, { kind, isPaused, page }: KeyContext): { ui: Ui; asked: Asked | null } {
  const ui: Ui = { ...before, notice: null };
  const none = (next: Ui) => ({ ui: next, asked: null });
  // the log is read from its end upwards, everything else from its top downwards
  const isLog = ui.tab === LOG_TAB;
  const scrolled = (up: number) => none({ ...ui, offset: Math.max(0, ui.offset + (isLog ? up : -up)) });
  const tab = (index: number) => none({ ...ui, tab: (index + TABS.length) % TABS.length, offset: 0, help: false });
  switch (key.name) {
    case "tab":
    case "right":
      return tab(ui.tab + 1);
    case "back-tab":
    case "left":
      return tab(ui.tab - 1);
    case "up":
      return scrolled(1);
    case "down":
      return scrolled(-1);
    case "page-up":
      return scrolled(page);
    case "page-down":
      return scrolled(-page);
    case "home":
      return none({ ...ui, offset: isLog ? FAR : 0 });
    case "end":
      return none({ ...ui, offset: isLog ? 0 : FAR });
    case "escape":
      return none({ ...ui, help: false });
    case "character":
      break;
  }
  switch (key.character) {
    case "1":
    case "2":
    case "3":
    case "4":
      return tab(Number(key.character) - 1);
    case "q":
    case "\u0003":
      return { ui, asked: "stop" };
    case "?":
    case "h":
      return none({ ...ui, help: !ui.help });
    case "w":
      return none({ ...ui, troublesOnly: !ui.troublesOnly, offset: 0, tab: LOG_TAB, help: false });
    case "\u000c":
      return { ui, asked: "redraw" };
    case "p":
      if (ui.isWatching) return none({ ...ui, notice: "this only watches: pause where the run was started" });
      if (kind === "client") return none({ ...ui, notice: "only the server and the local testnet can pause a run" });
      if (isPaused || ui.pauseAsked) return { ui: { ...ui, pauseAsked: false, notice: "the run goes on" }, asked: "resume" };
      return { ui: { ...ui, pauseAsked: true, notice: "pausing: two more rounds apply what is agreed" }, asked: "pause" };
    default:
      return none(ui);
  }
}
