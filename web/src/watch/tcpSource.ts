/** The run of one TCP coordinator, followed as a spectator that never joins. One connection serves the list and the run's page. */
import type { PeerKey, PeerNetwork } from "@starling/network";
import { createWebSocketNetwork } from "@starling/network/libp2pWebSocket";
import { peerKeyFromText } from "@starling/network/peerIds";
import { connectTcpCoordinator } from "@starling/sdk/tcpClient";
import { toHex } from "@starling/sdk/bytes";
import { CoordinatorError, isFinalRefusal } from "@starling/sdk/errors";
import { type HistoryEntry, readHistory } from "@starling/sdk/roundHistory";
import { Identity } from "@starling/sdk/identity";
import { readState } from "@starling/sdk/readState";
import type { CoordinatorPort, CoordinatorState, Snapshot } from "@starling/sdk/types";
import { Activity } from "./activity.ts";
import type { ListChannel, RunChannel } from "./channels.ts";
import type { Connection, WatchedCoordinator } from "./protocol.ts";
import { summaryOfState } from "./runSummary.ts";
import { Pace } from "./pace.ts";
import type { Feed, RunFeed, Source } from "./source.ts";
import type * as TcpRun from "./tcpRun.ts";
import { TcpHistory } from "./tcpHistory.ts";

/** of the list; a run's own page hears of each round */
const NEWEST_EVERY_MS = 3_000;
/** rounds in which a report is looked for */
const NEWEST_ROUNDS = 4;
const FIRST_TRY_MS = 6_000;
const REST_MS = 2_000;

interface Seen {
  snapshot: Snapshot;
  state: CoordinatorState;
  offsetMs: number;
  lastSeenMs: ReadonlyMap<string, number | null>;
}

export class TcpSource implements Source {
  readonly #coordinator: WatchedCoordinator;
  readonly #closing = new AbortController();
  readonly #lists = new Set<ListChannel>();
  readonly #runs = new Map<RunChannel, TcpHistory>();
  readonly #activity = new Activity();
  readonly #newestPace = new Pace(1, NEWEST_EVERY_MS, () => void this.#readNewest());
  /** with a loss, for the list */
  #newest: HistoryEntry | null = null;
  #ended: Promise<void> | null = null;
  #connection: Connection;
  /** for those who follow the run; the list does without */
  #run: typeof TcpRun | null = null;
  /** why it is not there; those who follow the run are told this and nothing else */
  #runMissing: Connection | null = null;
  #configToml: string | null = null;
  #read: TcpRun.ReadConfig | null = null;
  #peer: { network: PeerNetwork; key: PeerKey } | null = null;
  #seen: Seen | null = null;
  #heardMs: number | null = null;

  constructor(coordinator: WatchedCoordinator) {
    this.#coordinator = coordinator;
    this.#connection = { kind: "connecting", isFailing: false, text: `connecting to ${coordinator.label}` };
  }

  list(channel: ListChannel): Feed {
    this.#lists.add(channel);
    this.#newestPace.want();
    this.#begin();
    channel.setConnection(this.#connection);
    this.#show();
    return { stop: () => void this.#lists.delete(channel) };
  }

  follow(runId: string, channel: RunChannel): RunFeed {
    const { runId: served, label } = this.#coordinator;
    if (runId !== served) {
      channel.setConnection({ kind: "missing", text: `The coordinator "${label}" runs "${served}", not "${runId}".` });
      return { stop: () => {}, older: () => {} };
    }
    const history = new TcpHistory(channel);
    this.#runs.set(channel, history);
    this.#connectHistory(history);
    this.#begin();
    channel.setConnection(this.#runMissing ?? this.#connection);
    if (this.#read !== null) channel.setSchedule((step) => this.#read?.learningRate(step, null) ?? null);
    void this.#loadRun();
    this.#show();
    return {
      stop: () => {
        history.stop();
        this.#runs.delete(channel);
      },
      older: () => history.older(),
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#newestPace.stop();
    for (const history of this.#runs.values()) history.stop();
    await this.#ended;
  }

  async #loadRun(): Promise<void> {
    try {
      this.#run ??= await import("./tcpRun.ts");
      this.#runMissing = null;
      this.#readConfig();
      this.#show();
    } catch (error) {
      this.#runMissing = { kind: "refused", text: `A part of this page could not be loaded: ${(error as Error).message}` };
    }
    this.#tellConnection(this.#connection);
  }

  #connectHistory(history: TcpHistory): void {
    if (this.#peer === null) return;
    history.connected({
      network: this.#peer.network,
      coordinator: this.#peer.key,
      step: () => this.#seen?.state.step ?? 0,
      nowOffsetMs: () => this.#seen?.offsetMs ?? 0,
    });
  }

  /** The last report, so that the list shows where the run stands. */
  async #readNewest(): Promise<void> {
    if (this.#peer === null || this.#lists.size === 0 || this.#seen === null) return;
    const { step } = this.#seen.state;
    const options = { signal: this.#closing.signal };
    try {
      const entries = await readHistory(this.#peer.network, this.#peer.key, Math.max(0, step - NEWEST_ROUNDS), NEWEST_ROUNDS, options);
      this.#newest = entries.findLast(({ loss }) => loss !== null) ?? this.#newest;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      // the connection's own status says what is wrong with it
      if (!(error instanceof CoordinatorError)) throw error;
      return;
    }
    this.#show();
  }

  #begin(): void {
    this.#ended ??= this.#stayConnected();
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#live();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#fail(error)) return;
        await rest(REST_MS, signal);
      }
    }
  }

  /** Until the source is closed. Throws where the first contact fails. */
  async #live(): Promise<void> {
    const { signal } = this.#closing;
    const identity = Identity.generate();
    const network: PeerNetwork = await createWebSocketNetwork({ seed: identity.secrets().peerSeed });
    let port: CoordinatorPort | null = null;
    try {
      port = await connectTcpCoordinator({
        ...{ network, coordinator: this.#coordinator.address, runId: this.#coordinator.runId, session: identity.session },
        ...{ connectTimeoutMs: FIRST_TRY_MS, signal },
        onStatus: ({ connected, error }) => {
          // it may have been started again with another configuration
          if (connected && port !== null) void this.#readInfo(port).catch(() => {});
          this.#tellConnection(
            connected
              ? { kind: "live", text: error?.message ?? null }
              : this.#lost(error?.message ?? "the connection to the coordinator was lost"),
          );
        },
      });
      await this.#readInfo(port);
      this.#peer = { network, key: peerKeyFromText(this.#coordinator.address.split("/p2p/").at(-1)!) };
      port.subscribe((snapshot) => this.#see(snapshot));
      for (const history of this.#runs.values()) this.#connectHistory(history);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      await port?.close().catch(() => {});
      await network.stop();
    }
  }

  async #readInfo(port: CoordinatorPort): Promise<void> {
    const { configToml } = await port.runInfo(this.#closing.signal);
    this.#configToml = configToml;
    this.#readConfig();
    this.#show();
  }

  #readConfig(): void {
    if (this.#run === null || this.#configToml === null || this.#read?.view.toml === this.#configToml) return;
    const read = this.#run.readConfig(this.#configToml);
    this.#read = read;
    for (const channel of this.#runs.keys()) channel.setSchedule((step) => read.learningRate(step, null));
  }

  #see(snapshot: Snapshot): void {
    this.#heardMs = Date.now();
    const state = readState(snapshot.bytes);
    const offsetMs = Number(snapshot.coordinatorNowMs) - this.#heardMs;
    const step = this.#seen?.state.step;
    this.#seen = { snapshot, state, offsetMs, lastSeenMs: this.#activity.note(state, this.#heardMs, offsetMs) };
    if (step !== state.step) {
      for (const history of this.#runs.values()) history.look();
      if (this.#lists.size > 0) this.#newestPace.want();
    }
    this.#show();
  }

  #show(): void {
    if (this.#seen === null) return;
    const { snapshot, state, offsetMs, lastSeenMs } = this.#seen;
    const { label } = this.#coordinator;
    for (const channel of this.#run === null ? [] : this.#runs.keys()) {
      channel.setView(
        this.#run!.viewOfSnapshot({
          ...{ key: channel.key, name: state.runId, description: label, nonce: snapshot.nonce, offsetMs, lastSeenMs },
          bytes: snapshot.bytes,
          lifetimeEarned: null,
          reachable: new Set(snapshot.members.map(({ peerId }) => toHex(peerId))),
          learningRate: this.#read?.learningRate ?? (() => null),
          config: this.#read?.view ?? null,
          chain: null,
        }),
      );
    }
    for (const channel of this.#lists) {
      const names = {
        ...{ key: { source: channel.source, runId: state.runId }, name: state.runId, description: label, createdMs: null },
        ...{ loss: this.#newest?.loss ?? null, tokensPerSecond: this.#newest?.tokensPerSecond ?? null },
      };
      channel.setRuns([summaryOfState(names, state, offsetMs)]);
    }
  }

  /** Whether to try again. */
  #fail(error: unknown): boolean {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof CoordinatorError && isFinalRefusal(error)) {
      this.#tellConnection({ kind: "refused", text: message });
      return false;
    }
    this.#tellConnection(this.#lost(`${message}. It is tried again.`));
    return true;
  }

  #lost(text: string): Connection {
    return this.#heardMs === null ? { kind: "connecting", isFailing: true, text } : { kind: "stale", sinceMs: this.#heardMs, text };
  }

  #tellConnection(connection: Connection): void {
    if (this.#closing.signal.aborted) return;
    this.#connection = connection;
    for (const channel of this.#lists) channel.setConnection(connection);
    for (const channel of this.#runs.keys()) channel.setConnection(this.#runMissing ?? connection);
  }
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
