/** What a Chromium trace says of a page's main thread: the tasks in which its script ran, and how soon it answered to people. */
import type { Browser, Page } from "@playwright/test";

/** RunTask is in the second */
const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"];
const MAIN_THREAD = "CrRendererMain";

export interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** microseconds */
  ts?: number;
  dur?: number;
  /** microseconds that the thread had a core */
  tdur?: number;
  args?: { name?: string; data?: { url?: string; functionName?: string; interactionId?: number; duration?: number; type?: string } };
}

export interface Task {
  startMs: number;
  wallMs: number;
  /** what it took of a core; wall time also counts what other processes took of it meanwhile */
  cpuMs: number;
  /** functions of the page that it called */
  functions: string[];
}

export interface MainThread {
  /** in which script of the page ran, longest first */
  tasks: Task[];
  /** ms from each key press or click to the next frame, longest first */
  interactions: number[];
}

export async function traced(browser: Browser, page: Page, during: () => Promise<void>): Promise<MainThread> {
  await browser.startTracing(page, { categories: CATEGORIES });
  let trace: Buffer;
  try {
    await during();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  return readTrace(traceEvents, new URL(page.url()).origin);
}

/** Throws when the trace has no main thread on which script of `origin` ran. */
export function readTrace(events: readonly TraceEvent[], origin: string): MainThread {
  const thread = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
  const mainThreads = new Set(events.filter(({ name, args }) => name === "thread_name" && args?.name === MAIN_THREAD).map(thread));
  const isOurs = ({ name, args }: TraceEvent): boolean =>
    (name === "FunctionCall" || name === "EvaluateScript") && args?.data?.url?.startsWith(`${origin}/`) === true;
  const ours = new Set(events.filter((event) => isOurs(event) && mainThreads.has(thread(event))).map(thread));
  if (ours.size === 0) throw new Error(`no script of ${origin} ran on a main thread while this was traced`);
  const tasks: Task[] = [];
  for (const key of ours) {
    const own = events.filter((event) => event.ph === "X" && thread(event) === key).sort((a, b) => a.ts! - b.ts!);
    const calls = own.filter((event) => isOurs(event) || event.name === "RunMicrotasks");
    let next = 0;
    for (const task of own) {
      if (task.name !== "RunTask") continue;
      const endUs = task.ts! + task.dur!;
      while (next < calls.length && calls[next]!.ts! < task.ts!) next++;
      const first = next;
      while (next < calls.length && calls[next]!.ts! < endUs) next++;
      if (next === first) continue;
      const functions = calls.slice(first, next).map(({ name, args }) => args?.data?.functionName || name);
      tasks.push({ startMs: task.ts! / 1000, wallMs: task.dur! / 1000, cpuMs: (task.tdur ?? task.dur!) / 1000, functions });
    }
  }
  const interactions = new Map<string, number>();
  for (const event of events) {
    const data = event.args?.data;
    if (event.name !== "EventTiming" || event.ph !== "b" || !data?.interactionId || !ours.has(thread(event))) continue;
    const id = `${thread(event)} ${data.interactionId}`;
    interactions.set(id, Math.max(interactions.get(id) ?? 0, data.duration ?? 0));
  }
  return {
    tasks: tasks.sort((a, b) => b.cpuMs - a.cpuMs),
    interactions: [...interactions.values()].sort((a, b) => b - a),
  };
}

/** The value that three quarters are at most. */
export function p75(values: readonly number[]): number {
  if (values.length === 0) throw new Error("no value");
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.75) - 1]!;
}
