/** One run on a cluster, followed: its state by `RunWatch`, what stands beside it now and then, its history from transactions. */
import { ChainError } from "@starling/sdk/solana/chainError";
import {
  decodeGrant,
  decodeRunConfig,
  decodeRunHeader,
  letsIn,
  listMembers,
  KINDS,
  requireAccount,
  type RunConfig as ConfigAccount,
  type RunHeader,
} from "@starling/sdk/solana/accounts";
import { CLOCK_SYSVAR } from "@starling/sdk/solana/clusterClock";
import { grantAddress, PUBLIC_GRANTEE, type RunAddresses, runAddresses, treasuryAddress } from "@starling/sdk/solana/pdas";
import { RunWatch, type RunView as ChainState } from "@starling/sdk/solana/runWatch";
import { wait } from "@starling/sdk/solana/wait";
import type { AccountUpdate } from "@starling/sdk/solana/wsConnection";
import { getTreasuryDecoder } from "@starling/sdk/generated/treasurer/index";
import { toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import type { Address } from "@solana/kit";
import { Activity } from "./activity.ts";
import { ChainHistory } from "./chainHistory.ts";
import type { RunChannel } from "./channels.ts";
import type { ClusterLink } from "./clusterLink.ts";
import { readConfig, type ReadConfig } from "./configView.ts";
import type { Access, ChainView } from "./protocol.ts";
import { runView } from "./runView.ts";
import type { RunFeed } from "./source.ts";

/** What no subscription tells: grants, treasury, name. */
const FACTS_EVERY_MS = 60_000;
const FACTS_RETRY_MS = 5_000;
const LOOK_AGAIN_MS = 5_000;
const TREASURY_BYTES = 168;

interface Facts {
  account: ConfigAccount;
  read: ReadConfig;
  access: Access;
  treasury: ChainView["treasury"];
}

export class ChainRun implements RunFeed {
  readonly #link: ClusterLink;
  readonly #runId: string;
  readonly #channel: RunChannel;
  readonly #closing = new AbortController();
  readonly #activity = new Activity();
  #at: RunAddresses | null = null;
  #history: ChainHistory | null = null;
  #header: RunHeader | null = null;
  #state: ChainState | null = null;
  #machine: Machine | null = null;
  #lastSeenMs: ReadonlyMap<string, number | null> = new Map();
  #facts: Facts | null = null;
  #lifetime: ReadonlyMap<string, bigint> | null = null;
  #membersEpoch: number | null = null;
  #watchError: ChainError | null = null;
  #factsError: ChainError | null = null;
  #isMissing = false;
  #readFactsNow: () => void = () => {};

  constructor(link: ClusterLink, runId: string, channel: RunChannel) {
    this.#link = link;
    this.#runId = runId;
    this.#channel = channel;
    void this.#start();
  }

  older(): void {
    this.#history?.older();
  }

  stop(): void {
    this.#closing.abort(new ChainError("closed", "nobody follows this run any more"));
  }

  async #start(): Promise<void> {
    const { signal } = this.#closing;
    const { client, programs, clock, cluster } = this.#link;
    try {
      this.#at = await runAddresses(programs, this.#runId);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      this.#channel.setConnection({ kind: "refused", text: error.message });
      return;
    }
    if (signal.aborted) return;
    const at = this.#at;
    signal.addEventListener(
      "abort",
      this.#link.onStatus(() => this.#tellConnection()),
      { once: true },
    );
    signal.addEventListener(
      "abort",
      client.watch(at.run, (update) => this.#hear(update)),
      { once: true },
    );
    const watch = new RunWatch({
      ...{ cluster: client, at, clock, signal },
      onView: (state) => this.#see(state),
      onError: (error) => {
        this.#watchError = error;
        this.#tellConnection();
      },
    });
    this.#history = new ChainHistory({ client, programs, at, channel: this.#channel, isTest: cluster.isTest, signal });
    this.#tellConnection();
    await Promise.all([this.#keepFacts(at), this.#lookAgain(at)]);
    await watch.ended();
  }

  /** The hot account: that it is there, and when its configuration or its members become others. */
  #hear({ account }: AccountUpdate): void {
    this.#link.heard();
    this.#isMissing = account === null;
    if (account !== null) {
      try {
        const header = decodeRunHeader(this.#link.programs, account);
        const isNews = this.#header === null || toHex(this.#header.configSha256) !== toHex(header.configSha256);
        const isOther = this.#header !== null && this.#header.createdMs !== header.createdMs;
        this.#header = header;
        if (isNews || isOther) this.#readFactsNow();
        if (!header.isConfigured) this.#show();
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        this.#watchError = error;
      }
    }
    this.#tellConnection();
  }

  #see(state: ChainState): void {
    const before = this.#state;
    this.#state = state;
    this.#machine = Machine.load(state.bytes);
    this.#lastSeenMs = this.#activity.note(state.state, Date.now(), this.#link.offsetMs());
    if (before !== null && (before.state.step !== state.state.step || before.state.runState !== state.state.runState))
      this.#history?.look();
    if (this.#membersEpoch !== state.state.epoch) this.#readFactsNow();
    this.#show();
    this.#tellConnection();
  }

  #show(): void {
    const chain = this.#chainView();
    if (chain === null || this.#facts === null) return;
    const { account, read } = this.#facts;
    const names = { name: account.name === "" ? this.#runId : account.name, description: account.description };
    if (this.#machine === null || this.#state === null) {
      if (!this.#header!.isConfigured) this.#channel.setView(unconfigured(this.#channel.key, names, chain, this.#header!.nonce));
      return;
    }
    this.#channel.setView(
      runView({
        key: this.#channel.key,
        ...names,
        machine: this.#machine,
        nonce: this.#state.header.nonce,
        offsetMs: this.#link.offsetMs(),
        lastSeenMs: this.#lastSeenMs,
        lifetimeEarned: this.#lifetime,
        reachable: new Set(this.#state.members.filter(({ multiaddrs }) => multiaddrs.length > 0).map(({ peerId }) => toHex(peerId))),
        learningRate: read.learningRate,
        config: read.view,
        chain,
      }),
    );
  }

  #chainView(): ChainView | null {
    if (this.#header === null || this.#facts === null || this.#at === null) return null;
    const { mainAuthority, joinAuthority, minBondLamports, createdMs, unpromisedPoints } = this.#header;
    const { account, access, treasury } = this.#facts;
    const { clientVersion, numParameters } = account;
    return {
      ...{
        address: this.#at.run,
        mainAuthority,
        joinAuthority,
        minBondLamports,
        createdMs: Number(createdMs),
        fundedPoints: unpromisedPoints,
      },
      ...{ access, clientVersion, numParameters, treasury },
    };
  }

  /** Configuration, grants and treasury: at once when the run says that they changed, else once a minute. */
  async #keepFacts(at: RunAddresses): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const hurry = new AbortController();
      this.#readFactsNow = () => hurry.abort();
      let restMs = FACTS_EVERY_MS;
      if (this.#header !== null) {
        try {
          await this.#readFacts(at, this.#header);
          this.#factsError = null;
        } catch (error) {
          if (!(error instanceof ChainError)) throw error;
          if (signal.aborted) return;
          this.#factsError = error;
          restMs = FACTS_RETRY_MS;
        }
        this.#tellConnection();
      }
      await wait(restMs, AbortSignal.any([signal, hurry.signal])).catch(() => {});
    }
  }

  async #readFacts(at: RunAddresses, header: RunHeader): Promise<void> {
    const { client, programs, clock } = this.#link;
    const { signal } = this.#closing;
    const grantors = { ...programs, authorizer: header.authorizerProgram };
    const [everyone, treasury] = await Promise.all([
      grantAddress(grantors, header.joinAuthority, PUBLIC_GRANTEE),
      treasuryAddress(programs, at.run),
    ]);
    const { accounts } = await client.accounts([at.config, everyone, treasury, CLOCK_SYSVAR as Address], { signal });
    const [config, grant, safe, sysvar] = accounts;
    if (sysvar) clock.observe(sysvar.data);
    if (!config) throw new ChainError("not-found", "the run has no configuration account");
    const account = decodeRunConfig(programs, config);
    const isPublic =
      grant !== null &&
      grant.owner === grantors.authorizer &&
      letsIn(decodeGrant(grantors, everyone, grant), header.joinAuthority, PUBLIC_GRANTEE);
    const expected = { program: programs.treasurer, kind: KINDS.treasury, minBytes: TREASURY_BYTES };
    const held =
      safe === null || safe.owner !== programs.treasurer
        ? null
        : getTreasuryDecoder().decode(requireAccount("the treasury", safe, expected));
    const isSame = this.#facts?.account.toml === account.toml;
    const read = isSame ? this.#facts!.read : readConfig(account.toml);
    this.#facts = {
      ...{ account, read },
      access: isPublic ? { kind: "anyone" } : { kind: "granted", authority: header.joinAuthority },
      treasury: held && { address: treasury, mint: held.mint, decimals: await this.#decimals(held.mint) },
    };
    if (!isSame) this.#channel.setSchedule((step) => read.learningRate(step, null));
    this.#show();
    await this.#readMembers(at, header);
  }

  /** A mint never changes them. */
  async #decimals(mint: Address): Promise<number | null> {
    const before = this.#facts?.treasury;
    if (before?.mint === mint && before.decimals !== null) return before.decimals;
    // most runs pay nothing: who watches them does not load it
    const { readMint } = await import("@starling/sdk/solana/tokens");
    const { accounts } = await this.#link.client.accounts([mint], { signal: this.#closing.signal });
    return (accounts[0] && readMint(accounts[0])?.decimals) ?? null;
  }

  /** Points of settled epochs, once an epoch: it takes a search of the program's accounts. */
  async #readMembers(at: RunAddresses, header: RunHeader): Promise<void> {
    const epoch = this.#state?.state.epoch ?? null;
    if (epoch === null || epoch === this.#membersEpoch) return;
    this.#membersEpoch = epoch;
    try {
      const members = await listMembers(this.#link.client, at, this.#closing.signal);
      this.#lifetime = new Map(members.filter((one) => one.runCreatedMs === header.createdMs).map(({ owner, earned }) => [owner, earned]));
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      // public nodes may refuse the search: the points of the epoch are shown all the same
      this.#lifetime = null;
    }
    this.#show();
  }

  /** A run that is not there may be made. The subscription tells it; where there is none the poll does, too slowly for one who waits. */
  async #lookAgain(at: RunAddresses): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await wait(LOOK_AGAIN_MS, signal).catch(() => {});
      if (!this.#isMissing || signal.aborted) continue;
      try {
        const { slot, accounts } = await this.#link.client.accounts([at.run], { signal });
        this.#hear({ slot, account: accounts[0]! });
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
      }
    }
  }

  #tellConnection(): void {
    if (this.#closing.signal.aborted) return;
    const link = this.#link.connection();
    if (link.kind !== "live") return this.#channel.setConnection(link);
    if (this.#isMissing) {
      const text =
        this.#channel.view === null
          ? `There is no run "${this.#runId}" on this cluster. If it was just made, it will show up here.`
          : "The run was closed: what is shown is how it was last seen.";
      return this.#channel.setConnection({ kind: "missing", text });
    }
    const error = this.#watchError ?? this.#factsError;
    if (error !== null) {
      const text = `The run cannot be read in full: ${error.message}. It is read again.`;
      return this.#channel.setConnection(
        this.#channel.view === null ? { kind: "connecting", isFailing: true, text } : { kind: "stale", sinceMs: Date.now(), text },
      );
    }
    this.#channel.setConnection(this.#channel.view === null ? { kind: "connecting", isFailing: false, text: "reading the run" } : link);
  }
}

function unconfigured(
  key: RunChannel["key"],
  names: { name: string; description: string },
  chain: ChainView,
  nonce: bigint,
): Parameters<RunChannel["setView"]>[0] {
  return {
    ...{ key, ...names, isConfigured: false, runState: "Uninitialized", pendingPause: false },
    ...{
      phaseStartedMs: null,
      phaseEndsMs: null,
      epochStartedMs: null,
      epochEndsMs: null,
      epoch: 0,
      step: 0,
      totalSteps: 0,
      roundOfEpoch: 0,
      roundsOfEpoch: null,
    },
    ...{
      tokensPerRound: 0,
      tokensTrained: 0n,
      learningRate: null,
      clients: [],
      minClients: 0,
      initMinClients: 0,
      readyInWarmup: 0,
      round: null,
    },
    ...{ checkpoint: null, parameterHash: null, parameterHashEpoch: null, earningRate: 0n, slashingRate: 0n, config: null, chain, nonce },
  };
}
