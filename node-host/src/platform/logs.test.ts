import { describe, expect, it } from "vitest";
import { chooseLogForm } from "./logs.ts";

const terminal = { isTerminal: true, term: "xterm" };
const pipe = { isTerminal: false, term: "xterm" };
const none = { logs: undefined, tui: undefined };

describe("chooseLogForm", () => {
  it("is the display on a terminal and sentences elsewhere, unless something else is asked for", () => {
    expect(chooseLogForm(none, terminal).form).toBe("tui");
    expect(chooseLogForm(none, pipe).form).toBe("console");
    expect(chooseLogForm(none, { ...terminal, term: "dumb" }).form).toBe("console");
    expect(chooseLogForm({ ...none, headless: true }, terminal).form).toBe("console");
    expect(chooseLogForm({ ...none, logs: "json" }, terminal).form).toBe("json");
  });

  it("knows both spellings; --logs wins", () => {
    expect(chooseLogForm({ logs: undefined, tui: false }, terminal).form).toBe("console");
    expect(chooseLogForm({ logs: undefined, tui: true }, terminal).form).toBe("tui");
    expect(chooseLogForm({ logs: "json", tui: true }, terminal).form).toBe("json");
  });

  it("prints sentences where no display is possible, and says so when it was asked for", () => {
    expect(chooseLogForm({ logs: "tui", tui: undefined }, pipe)).toEqual({
      form: "console",
      complaint: "--logs tui: this is no terminal, so sentences are printed instead",
    });
    // commands written for the existing system carry --tui true everywhere
    expect(chooseLogForm({ logs: undefined, tui: true }, pipe)).toEqual({ form: "console", complaint: null });
  });
});
