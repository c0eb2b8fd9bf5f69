import { render } from "ink-testing-library";
import { createElement } from "react";
import { describe, expect, it } from "vitest";
import { App } from "../app.ts";
import { freshUi, onKey, type Key, type Ui } from "../keys.ts";
import { freshModel, reduce, SELF, SERVER, type Model, type TuiInput, type ViewKind } from "../model.ts";
import { lastWords } from "../summary.ts";
import { lineWidth, type Line } from "../text.ts";
import { frame } from "./frame.ts";

const NOW = 1_700_000_000_000;

/** A run of `clients` clients in its 40th round, with a long warning. */
function model(kind: ViewKind, clients: number): Model {
  let m = freshModel(kind);
  const tell = (input: TuiInput) => (m = reduce(m, input));
  const server = kind === "client" ? SELF : SERVER;
  const names = kind === "client" ? [SELF] : Array.from({ length: clients }, (_, i) => `client-${i + 1}`);
  tell({
    type: "event",
    node: server,
    event: { type: "listening", peerId: "ee".repeat(32), multiaddrs: ["/ip4/10.0.0.1/tcp/20000"], runId: "nano" },
    atMs: NOW,
  });
  for (const node of kind === "server" ? [] : names) {
    const peerId = node.padEnd(16, "a");
    tell({
      type: "event",
      node,
      event: { type: "starting", peerId, multiaddrs: ["/ip4/10.0.0.2/tcp/1"], runId: "nano", parameters: 1_234_567 },
      atMs: NOW,
    });
    tell({
      type: "event",
      node,
      event: { type: "traffic", peers: [{ peer: "12345678", receivedBytes: 5e9, sentBytes: 1, rttMs: null }] },
      atMs: NOW,
    });
    tell({
      type: "event",
      node,
      event: { type: "round", event: { type: "modelProgress", verifiedBytes: 3e6, sizeBytes: 9e6, providers: 2 } },
      atMs: NOW,
    });
  }
  for (let step = 1; step <= 40; step++) {
    const atMs = NOW - (40 - step) * 1000;
    const phase = { epoch: 3, step, round: step, epochRounds: 50, live: clients, pending: clients, wanted: 2 };
    const times = { startedAtMs: atMs, endsAtMs: atMs + 20_000, roundTokens: 480 };
    tell({ type: "event", node: server, event: { type: "phase", runState: "RoundTrain", ...phase, ...times }, atMs });
    for (const node of kind === "server" ? [] : names) {
      const event = { type: "trained", step, loss: 5 - step / 20, tokens: 48, trainMs: 300, payloadBytes: 9 } as const;
      tell({ type: "event", node, event: { type: "round", event }, atMs: atMs + 500 });
    }
  }
  const text = `a warning of 日本語 words 🙂 that is rather long: ${"and longer ".repeat(30)}`;
  tell({ type: "line", level: "warn", text, atMs: NOW });
  return m;
}

const SIZES = [
  [60, 15],
  [61, 16],
  [80, 24],
  [104, 30],
  [140, 40],
  [300, 80],
  [20, 5],
  [1, 1],
] as const;

const text = (lines: readonly Line[]) => lines.map((line) => line.map((span) => span.text).join("")).join("\n");

describe("the screen", () => {
  for (const kind of ["testnet", "server", "client"] as const) {
    it(`fills every size exactly, in every view: ${kind}`, () => {
      for (const clients of [0, 64]) {
        const m = model(kind, clients);
        for (const [columns, rows] of SIZES) {
          for (let tab = 0; tab < 4; tab++) {
            for (const ui of [
              { ...freshUi, tab },
              { ...freshUi, tab, help: true },
              { ...freshUi, tab, offset: 1_000_000, troublesOnly: true },
            ]) {
              const lines = frame(m, ui, { columns, rows }, NOW, 61_000);
              expect(lines.length).toBe(rows);
              for (const line of lines) expect(lineWidth(line), JSON.stringify(line)).toBe(columns);
            }
          }
        }
      }
    });
  }

  it("leaves out the least important first: phase, time left, loss and trouble are there at 60 x 15", () => {
    const shown = text(frame(model("testnet", 3), freshUi, { columns: 60, rows: 15 }, NOW + 2_000, 0));
    expect(shown).toContain("training  epoch 3  round 40 of 50  step 40");
    expect(shown).toContain("18 s left");
    expect(shown).toContain("loss 3.000");
    expect(shown).toContain("┤");
    expect(shown).toContain("client-3");
    expect(shown).toContain("! ");
    expect(shown).not.toContain("parameters");
  });

  it("shows all of it where there is room", () => {
    const shown = text(frame(model("testnet", 3), freshUi, { columns: 140, rows: 40 }, NOW, 0));
    for (const part of ["tokens/s", "efficiency", "client-1", "3.00 MB of 9.00 MB from 2", "1.23M", "10.0.0.1:20000", "Log"]) {
      expect(shown).toContain(part);
    }
  });

  it("says that a list goes on, and scrolls it", () => {
    const size = { columns: 100, rows: 24 };
    const top = text(frame(model("testnet", 64), { ...freshUi, tab: 1 }, size, NOW, 0));
    expect(top).toMatch(/1 to \d+ of 64/);
    expect(top).toContain("client-1 ");
    const end = text(frame(model("testnet", 64), { ...freshUi, tab: 1, offset: 1_000_000 }, size, NOW, 0));
    expect(end).toContain("of 64");
    expect(end).toContain("client-64");
    expect(end).not.toContain("client-1 ");
  });

  it("keeps the troubles for the normal screen", () => {
    const words = lastWords(model("testnet", 3));
    expect(words[0]).toMatch(/warning: a warning of/);
    expect(words.at(-1)).toContain("epoch 3 round 40/50 step 40, loss 3.000");
  });
});

describe("the component", () => {
  const size = { columns: 90, rows: 20 };

  it("paints the rows as they are, and passes keys on", async () => {
    const m = model("testnet", 3);
    let ui: Ui = freshUi;
    const asked: string[] = [];
    const tree = () => createElement(App, { lines: frame(m, ui, size, NOW, 0), colours: false, onKey: handle });
    const handle = (key: Key): void => {
      const result = onKey(ui, key, { kind: "testnet", isPaused: false, page: 10 });
      ui = result.ui;
      if (result.asked) asked.push(result.asked);
      app.rerender(tree());
    };
    const app = render(tree());
    const settle = () => new Promise((resolve) => setTimeout(resolve, 50));
    expect(app.lastFrame()!.split("\n").length).toBe(size.rows);
    expect(app.lastFrame()).toContain("Loss, mean");
    await settle(); // the listener for keys is put up by an effect
    app.stdin.write("2");
    await settle();
    expect(app.lastFrame()).toContain("Clients (3)");
    app.stdin.write("\t");
    await settle();
    expect(app.lastFrame()).toContain("Traffic by client");
    app.stdin.write("?");
    await settle();
    expect(app.lastFrame()).toContain("Keys");
    app.stdin.write("p");
    await settle();
    expect(app.lastFrame()).toContain("pausing");
    app.stdin.write("p");
    app.stdin.write("\u0003");
    await settle();
    expect(asked).toEqual(["pause", "resume", "stop"]);
    app.unmount();
  });

  it("has no colours where none are wanted", () => {
    const lines = frame(model("testnet", 3), freshUi, size, NOW, 0);
    const app = render(createElement(App, { lines, colours: false, onKey: () => undefined }));
    for (const colour of [31, 32, 33, 36]) expect(app.lastFrame()).not.toContain(`\u001b[${colour}m`);
    app.unmount();
  });
});
