/** What is known of one run, or of the runs of one source, and telling it to the page at a pace that does not flood it. */
import { HistoryStore, type WitnessReport } from "./historyStore.ts";
import { Pace } from "./pace.ts";
import type {
  ConfigView,
  Connection,
  FromWatcher,
  HistoryInfo,
  HistoryPoint,
  RunKey,
  RunSummary,
  RunTransaction,
  RunView,
} from "./protocol.ts";

const SECOND_MS = 1_000;
/** messages a second; together four a run */
const VIEWS = 3;
const HISTORIES = 1;
const LISTS = 2;
/** so that a change of phase, or of the connection, finds room to be told at once */
const VIEW_GAP_MS = 500;
/** of one message; what is more comes with the next */
const MOST_POINTS_AT_ONCE = 2_000;
const MOST_TRANSACTIONS = 40;
/** phases that come and go between two messages are told all the same */
const MOST_PHASES = 24;

type Post = (message: FromWatcher) => void;

export class RunChannel {
  readonly key: RunKey;
  readonly history: HistoryStore;
  readonly #post: Post;
  readonly #views = new Pace(VIEWS, SECOND_MS, () => this.#postView(), VIEW_GAP_MS);
  readonly #histories = new Pace(HISTORIES, SECOND_MS, () => this.#postHistory());
  #view: RunView | null = null;
  #phases: RunView["phases"] = [];
  #connection: Connection = { kind: "connecting", isFailing: false, text: "connecting" };
  #points: HistoryPoint[] = [];
  #transactions: RunTransaction[] = [];
  #info: HistoryInfo = { isWhole: false, isLoading: true, checked: "", believed: "", text: null };
  #toldConfig: ConfigView | null = null;
  #isFirstHistory = true;
  #learningRate: (step: number) => number | null = () => null;

  constructor(key: RunKey, post: Post) {
    this.key = key;
    this.#post = post;
    this.history = new HistoryStore((step) => this.#learningRate(step));
    this.#views.want();
  }

  get view(): RunView | null {
    return this.#view;
  }

  get connection(): Connection {
    return this.#connection;
  }

  setView(view: Omit<RunView, "phases"> | null): void {
    const isNewPhase = view !== null && this.#notePhase(view);
    this.#view = view && { ...view, phases: this.#phases };
    this.#views.want(isNewPhase);
  }

  setConnection(connection: Connection): void {
    if (sameConnection(connection, this.#connection)) return;
    this.#connection = connection;
    this.#views.want(true);
  }

  /** Also for the points that are known: a schedule comes with the configuration. */
  setSchedule(learningRate: (step: number) => number | null): void {
    this.#learningRate = learningRate;
    this.history.forgetTold();
    this.#histories.want();
  }

  addReports(reports: readonly WitnessReport[]): void {
    for (const report of reports) this.history.addReport(report);
    if (reports.length > 0) this.#histories.want();
  }

  addPoints(points: readonly HistoryPoint[]): void {
    for (const point of points) this.history.addPoint(point);
    if (points.length > 0) this.#histories.want();
  }

  /** Newest first. */
  setTransactions(transactions: readonly RunTransaction[]): void {
    this.#transactions = transactions.slice(0, MOST_TRANSACTIONS);
    this.#histories.want();
  }

  setInfo(info: Partial<HistoryInfo>): void {
    this.#info = { ...this.#info, ...info };
    this.#histories.want();
  }

  stop(): void {
    this.#views.stop();
    this.#histories.stop();
  }

  #notePhase({ runState, epoch, step }: Pick<RunView, "runState" | "epoch" | "step">): boolean {
    const last = this.#phases.at(-1);
    if (last?.runState === runState && last.epoch === epoch && last.step === step) return false;
    this.#phases = [...this.#phases, { runState, epoch, step, atMs: Date.now() }].slice(-MOST_PHASES);
    return true;
  }

  #postView(): void {
    const config = this.#view?.config ?? null;
    // by far the largest part, and it hardly ever changes
    const isSameConfig = config !== null && config === this.#toldConfig;
    this.#toldConfig = config;
    const view = this.#view && { ...this.#view, config: isSameConfig ? null : config };
    this.#post({ type: "run", key: this.key, view, isSameConfig, connection: this.#connection });
  }

  #postHistory(): void {
    this.#points.push(...this.history.takeChanged());
    const points = this.#points.splice(0, MOST_POINTS_AT_ONCE);
    const isWhole = this.#isFirstHistory;
    this.#isFirstHistory = false;
    this.#post({ type: "history", key: this.key, isWhole, points, info: this.#info, transactions: this.#transactions });
    if (this.#points.length > 0) this.#histories.want();
  }
}

export class ListChannel {
  readonly source: string;
  readonly #post: Post;
  readonly #pace = new Pace(LISTS, SECOND_MS, () => this.#tell());
  #runs: RunSummary[] = [];
  #connection: Connection = { kind: "connecting", isFailing: false, text: "connecting" };

  constructor(source: string, post: Post) {
    this.source = source;
    this.#post = post;
    this.#pace.want();
  }

  get connection(): Connection {
    return this.#connection;
  }

  setRuns(runs: RunSummary[]): void {
    this.#runs = runs;
    this.#pace.want();
  }

  setConnection(connection: Connection): void {
    if (sameConnection(connection, this.#connection)) return;
    this.#connection = connection;
    this.#pace.want();
  }

  stop(): void {
    this.#pace.stop();
  }

  #tell(): void {
    this.#post({ type: "runs", source: this.source, runs: this.#runs, connection: this.#connection });
  }
}

function sameConnection(a: Connection, b: Connection): boolean {
  // since when it is stale is said once
  const fails = (one: Connection): boolean => one.kind === "connecting" && one.isFailing;
  return a.kind === b.kind && a.text === b.text && fails(a) === fails(b);
}
