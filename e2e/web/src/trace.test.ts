import { expect, it } from "vitest";
import { p75, readTrace, type TraceEvent } from "./trace.ts";

const ORIGIN = "http://127.0.0.1:1";
const MAIN = { pid: 7, tid: 7 };
const WORKER = { pid: 7, tid: 9 };
const OTHER = { pid: 8, tid: 8 };

const named = (at: object, name: string): TraceEvent => ({ ...at, name: "thread_name", ph: "M", args: { name } }) as TraceEvent;
const span = (at: object, name: string, ts: number, dur: number, more: object = {}): TraceEvent =>
  ({ ...at, name, ph: "X", ts, dur, tdur: dur / 2, ...more }) as TraceEvent;
const call = (at: object, ts: number, functionName: string, url = `${ORIGIN}/assets/main.js`): TraceEvent =>
  span(at, "FunctionCall", ts, 10, { args: { data: { url, functionName } } });
const timing = (at: object, interactionId: number, duration: number, ph = "b"): TraceEvent =>
  ({ ...at, name: "EventTiming", ph, ts: 1, args: { data: { interactionId, duration } } }) as TraceEvent;

const threads = [named(MAIN, "CrRendererMain"), named(WORKER, "DedicatedWorker thread"), named(OTHER, "CrRendererMain")];

it("finds the main thread's tasks with the page's script in them, and nobody else's", () => {
  const { tasks } = readTrace(
    [
      ...threads,
      // out of order, as traces are
      span(MAIN, "RunTask", 200_000, 90_000),
      call(MAIN, 200_100, "draw"),
      span(MAIN, "RunTask", 0, 120_000),
      call(MAIN, 10, "load"),
      call(MAIN, 500, ""),
      span(MAIN, "RunTask", 300_000, 400_000), // layout of the browser's own
      span(MAIN, "RunTask", 800_000, 20_000),
      span(MAIN, "RunMicrotasks", 800_001, 5),
      span(WORKER, "RunTask", 0, 900_000),
      call(WORKER, 5, "train"),
      span(OTHER, "RunTask", 0, 900_000),
      call(OTHER, 5, "ad", "http://127.0.0.1:2/main.js"),
    ],
    ORIGIN,
  );
  expect(tasks).toEqual([
    { startMs: 0, wallMs: 120, cpuMs: 60, functions: ["load", "FunctionCall"] },
    { startMs: 200, wallMs: 90, cpuMs: 45, functions: ["draw"] },
    { startMs: 800, wallMs: 20, cpuMs: 10, functions: ["RunMicrotasks"] },
  ]);
});

it("an interaction is as slow as the slowest of its events", () => {
  const { interactions } = readTrace(
    [
      ...threads,
      call(MAIN, 5, "f"),
      timing(MAIN, 0, 900), // no interaction: a pointer that moves
      timing(MAIN, 4, 40),
      timing(MAIN, 4, 140),
      timing(MAIN, 4, 800, "e"),
      timing(MAIN, 9, 16),
      timing(OTHER, 4, 700),
    ],
    ORIGIN,
  );
  expect(interactions).toEqual([140, 16]);
});

it("a trace without the page in it proves nothing", () => {
  expect(() => readTrace([...threads, call(WORKER, 5, "train")], ORIGIN)).toThrow("no script of");
});

it("p75 is a value that three quarters do not pass", () => {
  expect(p75([8, 1, 2, 3])).toBe(3);
  expect(p75([5])).toBe(5);
  expect(p75([1, 2, 3, 4, 5])).toBe(4);
  expect(() => p75([])).toThrow("no value");
});
