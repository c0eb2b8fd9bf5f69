/** This tab's training: one Worker, which outlives a change of routes. */
import type { Conditions, FromWorker, JoinRequest, ToWorker, TrainLimits } from "../worker/protocol.ts";
import { createRtcHost } from "../worker/rtc/host.ts";
import { changeIdentity } from "../worker/store/identityStore.ts";
import { readConditions, watchConditions } from "./conditions.ts";
import { EMPTY_VIEW, fold, isOver, type TrainingView } from "./trainingView.ts";

/** Which run it is, as the page's addresses name it. */
export interface TrainingPlace {
  source: string;
  runId: string;
}

const DRAW_EVERY_MS = 500;
/** longer than the Worker takes for it (participant.ts) when all that it waits for hangs */
const LEAVE_WITHIN_MS = 15_000;

export interface Training extends TrainingPlace {
  /** the identity's name in the store */
  identity: string;
  limits: TrainLimits;
  paused: boolean;
  view: TrainingView;
}

let current: Training | null = null;
let stopCurrent: () => void = () => undefined;
let post: (message: ToWorker) => void = () => undefined;
let conditions: Conditions = { paused: false, hidden: false, pluggedIn: null };
const listeners = new Set<() => void>();

/** For useSyncExternalStore. */
export const trainingStore = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  get: (): Training | null => current,
};

function change(next: Partial<Training>): void {
  if (current === null) return;
  current = { ...current, ...next };
  for (const listener of listeners) listener();
}

export type StartRequest = Pick<JoinRequest, "source" | "dataUrls" | "iceServers" | "limits" | "microBatchSequences"> & {
  identity: string;
};

/** Begins; what was before must be over. `paused`: joins when the person says so. */
export function startTraining(place: TrainingPlace, request: StartRequest, paused = false): void {
  if (current !== null && !isOver(current.view.state)) throw new Error("this tab trains already");
  stopCurrent();
  const worker = new Worker(new URL("../worker/trainer.ts", import.meta.url), { type: "module", name: "starling trainer" });
  const rtc = createRtcHost();
  let waiting: FromWorker[] = [];
  let frame = 0;
  // many messages a second, and charts to draw: a person reads no faster than this
  const flush = (): void => {
    frame = 0;
    const messages = waiting;
    waiting = [];
    if (current === null) return;
    const view = messages.reduce(fold, current.view);
    change({ view });
    if (!isOver(view.state)) return;
    stop();
    if (view.state.kind === "failed" && view.state.code === "config-changed")
      startTraining(place, { ...request, limits: current.limits }, current.paused);
  };
  const take = (message: FromWorker): void => {
    waiting.push(message);
    if (message.type === "state") {
      clearTimeout(frame);
      flush();
    } else frame ||= window.setTimeout(flush, DRAW_EVERY_MS);
  };
  const onClose = (event: BeforeUnloadEvent): void => event.preventDefault();
  const stopWatching = watchConditions((next) => {
    conditions = { ...next, paused: conditions.paused };
    worker.postMessage({ type: "conditions", conditions } satisfies ToWorker);
  });
  const stop = (): void => {
    clearTimeout(frame);
    stopWatching();
    removeEventListener("beforeunload", onClose);
    worker.terminate();
    rtc?.close();
    post = () => undefined;
    stopCurrent = () => undefined;
  };
  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => take(data));
  worker.addEventListener("error", (event) =>
    take({
      type: "state",
      state: { kind: "failed", code: "internal", text: event.message || "the trainer could not be loaded: reload this page" },
    }),
  );
  addEventListener("beforeunload", onClose);
  stopCurrent = stop;
  post = (message) => worker.postMessage(message);
  conditions = { paused, hidden: document.hidden, pluggedIn: null };
  void readConditions().then((read) => {
    conditions = { ...read, paused: conditions.paused };
    post({ type: "conditions", conditions });
  });
  current = { ...place, identity: request.identity, limits: request.limits, paused, view: EMPTY_VIEW };
  for (const listener of listeners) listener();
  if (rtc) worker.postMessage({ type: "rtc", port: rtc.port } satisfies ToWorker, [rtc.port]);
  post({ type: "join", ...request, conditions, hashEveryRound: false });
}

export function setTrainingLimits(limits: TrainLimits): void {
  change({ limits });
  post({ type: "limits", limits });
}

export function pauseTraining(paused: boolean): void {
  conditions = { ...conditions, paused };
  change({ paused });
  post({ type: "conditions", conditions });
}

/** Resolves when the Worker has left, or is gone: one that does not answer is ended. */
export function leaveTraining(): Promise<void> {
  if (current === null || isOver(current.view.state)) return Promise.resolve();
  post({ type: "leave" });
  const { identity } = current;
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      stopCurrent();
      // what it would have noted itself: a reload does not go on
      void changeIdentity(identity, { isTraining: false }).catch(() => undefined);
      if (current !== null) change({ view: { ...current.view, state: { kind: "left" } } });
    }, LEAVE_WITHIN_MS);
    const undo = trainingStore.subscribe(() => {
      if (current !== null && !isOver(current.view.state)) return;
      clearTimeout(timer);
      undo();
      resolve();
    });
  });
}
