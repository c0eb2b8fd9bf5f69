/** What the page shows of a training Worker, folded from what it says. Pure. */
import type { EngineFacts, FromWorker, TabFacts, TabState } from "../worker/protocol.ts";

export interface Point {
  x: number;
  y: number;
}

export interface TrainingView {
  state: TabState;
  engine: EngineFacts | null;
  member: Omit<Extract<FromWorker, { type: "member" }>, "type"> | null;
  facts: TabFacts | null;
  /** null: connected */
  connection: string | null;
  /** newest last */
  notices: string[];
  /** own loss by step */
  losses: readonly Point[];
  /** own tokens a second while training, by step */
  speeds: readonly Point[];
  /** rounds whose batch this tab trained in this sitting */
  trainedRounds: number;
  trainedTokens: number;
  /** what it does within the round, in a few words */
  doing: string;
  /** of the model that is coming from peers; null: none is */
  model: { verifiedBytes: number; sizeBytes: number; providers: number } | null;
}

const MOST_NOTICES = 5;
const MOST_POINTS = 5_000;

export const EMPTY_VIEW: TrainingView = {
  state: { kind: "reaching" },
  engine: null,
  member: null,
  facts: null,
  connection: null,
  notices: [],
  losses: [],
  speeds: [],
  trainedRounds: 0,
  trainedTokens: 0,
  doing: "",
  model: null,
};

export function isOver({ kind }: TabState): boolean {
  return kind === "left" || kind === "finished" || kind === "failed";
}

export function fold(view: TrainingView, message: FromWorker): TrainingView {
  switch (message.type) {
    case "state":
      return { ...view, state: message.state, ...(message.state.kind === "joined" ? {} : { doing: "", model: null }) };
    case "engine": {
      const { type: _, ...engine } = message;
      return { ...view, engine };
    }
    case "member": {
      const { type: _, ...member } = message;
      return { ...view, member };
    }
    case "facts":
      return { ...view, facts: message.facts };
    case "connection":
      return { ...view, connection: message.text };
    case "notice":
      return { ...view, notices: [...view.notices, message.text].slice(-MOST_NOTICES) };
    case "round":
      return foldRound(view, message.event);
  }
}

function foldRound(view: TrainingView, event: Extract<FromWorker, { type: "round" }>["event"]): TrainingView {
  switch (event.type) {
    case "roundBegan":
      return {
        ...view,
        model: null,
        doing: event.appliedStep === null ? "begins the round" : `applied the results of step ${event.appliedStep}`,
      };
    case "trained": {
      const loss = event.loss === null ? view.losses : withPoint(view.losses, { x: event.step, y: event.loss });
      const speed = event.trainMs > 0 ? withPoint(view.speeds, { x: event.step, y: event.tokens / (event.trainMs / 1000) }) : view.speeds;
      return {
        ...view,
        losses: loss,
        speeds: speed,
        trainedRounds: view.trainedRounds + 1,
        trainedTokens: view.trainedTokens + event.tokens,
        doing: `trained its batch of step ${event.step}`,
      };
    }
    case "announced":
      return { ...view, doing: `offers its result of step ${event.step}` };
    case "witnessSent":
      return { ...view, doing: `reported ${event.batches} of ${event.assigned} results as a witness` };
    case "behind":
      return { ...view, doing: `waits for ${event.missing}` };
    case "replay":
      return { ...view, doing: `catches up: steps ${event.fromStep} to ${event.toStep}` };
    case "caughtUp":
      return { ...view, doing: "is level with the others again" };
    case "modelProgress": {
      const { verifiedBytes, sizeBytes, providers } = event;
      return { ...view, model: { verifiedBytes, sizeBytes, providers }, doing: "receives the model from its peers" };
    }
    case "modelReceived":
      return { ...view, model: null, doing: "has received the model" };
    case "epochReady":
      return { ...view, model: null, doing: "is ready for the epoch" };
    case "stranded":
      return withNotice({ ...view, model: null, doing: "waits for the next epoch" }, `waits for the next epoch: ${event.reason}`);
    case "error":
      return withNotice(view, `${event.action}: ${event.message}`);
    case "epochLost":
      return withNotice(view, `the epoch ended without agreement: ${event.reason}`);
    default:
      return view;
  }
}

function withPoint(points: readonly Point[], point: Point): Point[] {
  // a step that is trained again (a run that went back) takes the place of what came after it
  return [...points.filter(({ x }) => x < point.x), point].slice(-MOST_POINTS);
}

function withNotice(view: TrainingView, text: string): TrainingView {
  return view.notices.at(-1) === text ? view : { ...view, notices: [...view.notices, text].slice(-MOST_NOTICES) };
}

/** The tab's state in a sentence; `points`: whether the run pays any. */
export function stateSentence({ state, facts, model }: TrainingView): string {
  switch (state.kind) {
    case "reaching":
      return "Looking for the run and its members.";
    case "preparing":
      return "Compiling the kernels and checking that this adapter computes exactly as everyone else's does. This takes some seconds, once.";
    case "paused":
      return {
        asked: "Paused, as you asked: this tab has left the run and keeps nobody waiting. Nothing earned is lost.",
        hidden: "Resting while this page is out of sight. It takes part again when you come back.",
        battery: "Resting while this computer runs on its battery. It takes part again when it is plugged in.",
      }[state.why];
    case "leaving":
      return "Leaving the run.";
    case "left":
      return "This tab has left the run. What it has earned stays earned.";
    case "finished":
      return "The run is finished: all its steps are trained.";
    case "failed":
      return state.text;
    case "joined":
      if (model !== null) return "Receiving the model from other members, checked piece by piece.";
      if (facts === null || !facts.isMember) return "Asking to take part.";
      if (facts.slot === null || facts.slot.state !== "Healthy") return "A member: it takes part from the next epoch on.";
      return {
        Uninitialized: "The run has not begun yet.",
        WaitingForMembers: "A member: the epoch begins when enough members are here.",
        Warmup: "An epoch begins: members load the model.",
        RoundTrain: "Training.",
        RoundWitness: "Exchanging results.",
        Cooldown: "The epoch is over; the next one follows.",
        Finished: "The run is finished.",
        Paused: "The run is paused by whoever runs it; this tab waits.",
      }[facts.runState];
  }
}
