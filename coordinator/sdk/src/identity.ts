import { generateKeypair, type Keypair, type Signer } from "@starling/network";
import { fromHex, toHex } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";
import { type SessionGrant, signGrant } from "./grant.ts";
import { RevealChain } from "./revealChain.ts";
import type { Membership } from "./types.ts";

/** A session's grant lasts this long unless the caller says otherwise. */
export const DEFAULT_GRANT_MS = 30 * 24 * 3600 * 1000;

/** Chains before the present one that a slot may still be committed to: one of this process, one of the process before it. */
const EARLIER_CHAINS = 2;

/** The secrets of one client: three 32-byte ed25519 seeds, and how many reveal chains it has begun. */
export interface IdentitySecrets {
  ownerSeed: Uint8Array;
  /** the reveal chains come from it as well; where the session key is held elsewhere (`IdentityOptions.session`), they alone */
  sessionSeed: Uint8Array;
  peerSeed: Uint8Array;
  chainsBegun: number;
}

export interface IdentityOptions {
  chainLength?: number;
  /** (32) public key of a wallet that earns in the place of `ownerSeed`'s, where it alone signs for itself (on chain) */
  owner?: Uint8Array;
  /** signs in the place of `sessionSeed`'s key: a tab's session key, which nothing can read */
  session?: Signer;
}

/**
 * A client's three keys (DESIGN.md section 3, 6) and the chains its witness messages reveal.
 *
 * `beginChain` before each first join of a process, then save `serializeIdentity(identity.secrets())`: a restarted
 * client must never commit to links that it revealed before.
 */
export class Identity {
  readonly owner: Keypair;
  readonly session: Signer;
  readonly peer: Keypair;
  readonly #secrets: IdentitySecrets;
  readonly #chainLength: number | undefined;
  readonly #ownerKey: Uint8Array;
  #chain: RevealChain | null = null;
  /** newest first */
  #earlierChains: RevealChain[];
  #lastAnswered: RevealChain | null = null;

  constructor(secrets: IdentitySecrets, options: IdentityOptions = {}) {
    this.#secrets = { ...secrets };
    this.#chainLength = options.chainLength;
    this.owner = generateKeypair(secrets.ownerSeed);
    this.session = options.session ?? generateKeypair(secrets.sessionSeed);
    this.peer = generateKeypair(secrets.peerSeed);
    this.#ownerKey = options.owner ?? this.owner.publicKey;
    const earlier = Math.min(secrets.chainsBegun, EARLIER_CHAINS);
    this.#earlierChains = Array.from({ length: earlier }, (_, back) => this.#chainNumber(secrets.chainsBegun - 1 - back));
  }

  static generate(options: { chainLength?: number; randomBytes?: (length: number) => Uint8Array } = {}): Identity {
    const random = options.randomBytes ?? ((length: number) => crypto.getRandomValues(new Uint8Array(length)));
    const secrets = { ownerSeed: random(32), sessionSeed: random(32), peerSeed: random(32), chainsBegun: 0 };
    return new Identity(secrets, options);
  }

  secrets(): IdentitySecrets {
    return { ...this.#secrets };
  }

  /** A fresh chain for the next join; the one before stays usable for the slot that was committed to it. */
  beginChain(): RevealChain {
    if (this.#chain !== null) this.#earlierChains = [this.#chain, ...this.#earlierChains].slice(0, EARLIER_CHAINS);
    this.#chain = this.#chainNumber(this.#secrets.chainsBegun);
    this.#secrets.chainsBegun += 1;
    return this.#chain;
  }

  /** More than half of the chain is spent. A fresh one must be committed to before an epoch in which it would end. */
  get isChainShort(): boolean {
    return this.#chain !== null && 2 * this.#chain.linksLeft < this.#chain.length;
  }

  /** What to hand to `CoordinatorPort.join`. Begins a chain if none has begun in this process. */
  membership(): Membership {
    const chain = this.#chain ?? this.beginChain();
    return {
      owner: this.#ownerKey,
      session: this.session.publicKey,
      peerId: this.peer.publicKey,
      chainHead: chain.head(),
    };
  }

  /** (32) the link to reveal when our slot's `chainHead` is `head`; null when no chain of ours continues it. */
  preimageOf(head: Uint8Array): Uint8Array | null {
    // the chain that answered last comes first: searching the other one for a head that is not its own costs its whole length
    const chains = [this.#lastAnswered, this.#chain, ...this.#earlierChains];
    for (const chain of new Set(chains.filter((chain) => chain !== null))) {
      const link = chain.preimageOf(head);
      if (link === null) continue;
      this.#lastAnswered = chain;
      return link;
    }
    return null;
  }

  grant(runId: string, nowMs: number, validMs: number = DEFAULT_GRANT_MS): Promise<SessionGrant> {
    return signGrant(this.owner, {
      session: this.session.publicKey,
      peerId: this.peer.publicKey,
      runId,
      expiresMs: BigInt(Math.floor(nowMs + validMs)),
    });
  }

  #chainNumber(number: number): RevealChain {
    return new RevealChain(this.#secrets.sessionSeed, number, this.#chainLength);
  }
}

/** The text of an identity file. It holds secrets: the file is for its owner's eyes alone (mode 600). */
export function serializeIdentity(secrets: IdentitySecrets): string {
  const { ownerSeed, sessionSeed, peerSeed, chainsBegun } = secrets;
  const file = {
    version: 1,
    ownerSeed: toHex(ownerSeed),
    sessionSeed: toHex(sessionSeed),
    peerSeed: toHex(peerSeed),
    chainsBegun,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** @throws CoordinatorError `malformed` */
export function parseIdentity(text: string): IdentitySecrets {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new CoordinatorError("malformed", `the identity file is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof file !== "object" || file === null) throw new CoordinatorError("malformed", "the identity file is not a JSON object");
  const fields = file as Record<string, unknown>;
  if (fields.version !== 1) {
    throw new CoordinatorError("malformed", `identity file: expected version 1, got ${String(fields.version)}; use a newer Starling`);
  }
  const seed = (name: string): Uint8Array => {
    const value = fields[name];
    const bytes = typeof value === "string" ? fromHex(value, 32) : null;
    // the value is a secret: it is not repeated in the message
    if (bytes === null) throw new CoordinatorError("malformed", `identity file: ${name} must be 64 hexadecimal digits`);
    return bytes;
  };
  const chainsBegun = fields.chainsBegun;
  if (!Number.isSafeInteger(chainsBegun) || (chainsBegun as number) < 0) {
    throw new CoordinatorError("malformed", `identity file: chainsBegun must be a count, got ${String(chainsBegun)}`);
  }
  return {
    ownerSeed: seed("ownerSeed"),
    sessionSeed: seed("sessionSeed"),
    peerSeed: seed("peerSeed"),
    chainsBegun: chainsBegun as number,
  };
}
