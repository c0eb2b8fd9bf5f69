import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes, toHex } from "./bytes.ts";

/** Links of one chain. One link is spent each time the member is elected, so this outlasts any sitting. */
export const DEFAULT_CHAIN_LENGTH = 100_000;

/** Hashing these takes a millisecond or two. */
const LINKS_AT_ONCE = 1_000;

const DOMAIN = new TextEncoder().encode("starling/reveal-chain/1");

/**
 * A sha256 hash chain: link(length) is the secret, link(i) = sha256(link(i + 1)), and link(0) is the head that a
 * member commits to when it joins. Each witness message reveals the link below the last one revealed
 * (DESIGN.md section 3, 4), so nobody, its owner included, can choose what it adds to the next seed.
 *
 * Built on first use; memory is bounded by a checkpoint every `sqrt(length)` links (10 KB at 100,000).
 */
export class RevealChain {
  readonly length: number;
  readonly #secret: Uint8Array;
  readonly #stride: number;
  /** checkpoint k = link(k * stride); empty until first used */
  #checkpoints: Uint8Array[] = [];
  /** the segment of links that was used last, from its low end */
  #segment: Uint8Array[] = [];
  #segmentIndex = -1;
  /** index of the link that the last `preimageOf` answered */
  #cursor = 0;

  /** `number` tells the chains of one secret apart: a restarted member must not commit to links it already revealed. */
  constructor(secret: Uint8Array, number: number, length: number = DEFAULT_CHAIN_LENGTH) {
    if (secret.length !== 32) throw new RangeError(`a chain's secret is 32 bytes, got ${secret.length}`);
    if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`chain number ${number} is not a count`);
    if (!Number.isSafeInteger(length) || length < 1 || length > 10_000_000) {
      throw new RangeError(`a chain has 1 to 10,000,000 links, got ${length}`);
    }
    const numberBytes = new Uint8Array(8);
    new DataView(numberBytes.buffer).setBigUint64(0, BigInt(number), true);
    this.length = length;
    this.#secret = sha256(concatBytes(DOMAIN, numberBytes, secret));
    this.#stride = Math.ceil(Math.sqrt(length));
  }

  /** How many can still be revealed. */
  get linksLeft(): number {
    return this.length - this.#cursor;
  }

  /** (32) what a member commits to at join */
  head(): Uint8Array {
    return this.#link(0);
  }

  /** (32) the next link to reveal when the coordinator holds `head`; null if `head` is not of this chain, or is its last link. */
  preimageOf(head: Uint8Array): Uint8Array | null {
    const guess = this.#indexNear(head) ?? this.#search(head);
    if (guess === null || guess === this.length) return null;
    this.#cursor = guess + 1;
    return this.#link(guess + 1);
  }

  /** The common cases: the coordinator holds what we revealed last, or (the message was lost) what came before it. */
  #indexNear(head: Uint8Array): number | null {
    for (const index of [this.#cursor, this.#cursor - 1]) {
      if (index >= 0 && equalBytes(this.#link(index), head)) return index;
    }
    return null;
  }

  #search(head: Uint8Array): number | null {
    const wanted = toHex(head);
    let link = this.#secret;
    for (let index = this.length; ; index--) {
      if (toHex(link) === wanted) return index;
      if (index === 0) return null;
      link = sha256(link);
    }
  }

  #link(index: number): Uint8Array {
    if (this.#checkpoints.length === 0) this.#build();
    const segment = Math.floor(index / this.#stride);
    if (segment !== this.#segmentIndex) {
      const low = segment * this.#stride;
      const high = Math.min(low + this.#stride, this.length);
      let link = high === this.length ? this.#secret : this.#checkpoints[segment + 1];
      const links = [link];
      for (let i = high; i > low; i--) links.push((link = sha256(link)));
      this.#segment = links.reverse();
      this.#segmentIndex = segment;
    }
    return this.#segment[index - segment * this.#stride].slice();
  }

  /** Builds it in short pieces, `yieldTurn` between them, so that whoever asks for its head does not wait for all of it at once. */
  async prepare(yieldTurn: () => Promise<void>): Promise<void> {
    if (this.#checkpoints.length > 0) return;
    for (const _ of this.#building()) await yieldTurn();
  }

  #build(): void {
    for (const _ of this.#building());
  }

  *#building(): Generator<void> {
    const checkpoints: Uint8Array[] = [];
    let link = this.#secret;
    for (let index = this.length; index >= 0; index--) {
      if (index % this.#stride === 0) checkpoints[index / this.#stride] = link;
      if (index > 0) link = sha256(link);
      if (index % LINKS_AT_ONCE === 0) yield;
    }
    this.#checkpoints = checkpoints;
  }
}
