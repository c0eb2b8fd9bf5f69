/** Where the members of a run can be dialled: read from their sessions, once for each, and again when one joins anew. */
import { type Address, getAddressDecoder } from "@solana/kit";
import { toHex } from "../bytes.ts";
import type { CoordinatorState, Member, PeerAddress } from "../types.ts";
import { decodeSession } from "./accounts.ts";
import { ChainError } from "./chainError.ts";
import type { ClusterClient } from "./clusterClient.ts";
import { type RunAddresses, sessionAddress } from "./pdas.ts";

interface Entry {
  multiaddrs: string[];
  /** the head with which it waited when its session was read */
  pendingHead: string | null;
}

const AT_ONCE = 100;

export class AddressBook {
  readonly #cluster: ClusterClient;
  readonly #at: RunAddresses;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Entry>();

  constructor(cluster: ClusterClient, at: RunAddresses, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#at = at;
    this.#signal = signal;
  }

  /** Everybody who is, or will be, in an epoch. A node that fails leaves addresses out; they come with the next change. */
  async members(state: CoordinatorState, minSlot: bigint): Promise<PeerAddress[]> {
    const pending = new Map(state.pending.map((member) => [toHex(member.session), toHex(member.chainHead)]));
    const members = new Map<string, Member>();
    for (const slot of state.clients) if (slot.state === "Healthy") members.set(toHex(slot.session), slot);
    for (const member of state.pending) members.set(toHex(member.session), member);
    for (const session of this.#known.keys()) if (!members.has(session)) this.#known.delete(session);
    const wanted = [...members].filter(([session]) => {
      const entry = this.#known.get(session);
      const waits = pending.get(session);
      return entry === undefined || (waits !== undefined && waits !== entry.pendingHead);
    });
    try {
      for (let from = 0; from < wanted.length; from += AT_ONCE) {
        await this.#read(wanted.slice(from, from + AT_ONCE), pending, minSlot);
      }
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
    }
    return [...members].map(([session, { peerId }]) => ({ peerId, multiaddrs: this.#known.get(session)?.multiaddrs ?? [] }));
  }

  async #read(wanted: [string, Member][], pending: ReadonlyMap<string, string>, minSlot: bigint): Promise<void> {
    const keys: Address[] = wanted.map(([, { session }]) => getAddressDecoder().decode(session));
    const addresses = await Promise.all(keys.map((key) => sessionAddress(this.#at.programs, this.#at.run, key)));
    const { accounts } = await this.#cluster.accounts(addresses, { minSlot, signal: this.#signal });
    wanted.forEach(([session], index) => {
      const account = accounts[index];
      const multiaddrs = account === null ? [] : readable(() => decodeSession(this.#at.programs, account).multiaddrs);
      this.#known.set(session, { multiaddrs, pendingHead: pending.get(session) ?? null });
    });
  }
}

function readable(read: () => string[]): string[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof ChainError) return [];
    throw error;
  }
}
