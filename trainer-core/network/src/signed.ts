import { NetworkError } from "./errors.ts";
import { keyHex } from "./port.ts";
import { type Signer, verifySignature } from "./keys.ts";

/** What a signed request says, once its signature is proven. */
export interface SignedRequest {
  /** Raw ed25519 key that signed, 32 bytes. Proven, not yet authorised: look it up. */
  sender: Uint8Array;
  method: string;
  /** Rises with each request of the sender. */
  sequence: number;
  timestampMs: number;
  body: Uint8Array;
}

/** A request is for one service of one run; it means nothing to another. */
export interface Audience {
  domain: string;
  runId: string;
}

const version = 1;
/** version u8, sender 32, sequence u64 LE, timestampMs u64 LE, then three lengths and their bytes, then the body. */
const fixedBytes = 1 + 32 + 8 + 8;
const signatureBytes = 64;
const maxNameBytes = 255;
const signingTag = new TextEncoder().encode("starling signed request\0");
const utf8 = new TextDecoder("utf-8", { fatal: true });

export interface SealOptions extends Audience {
  signer: Signer;
  method: string;
  sequence: number;
  timestampMs: number;
  body: Uint8Array;
}

/** Encodes and signs one request: the signature (64 bytes), then what it covers. */
export async function sealRequest(options: SealOptions): Promise<Uint8Array> {
  const names = [options.domain, options.runId, options.method].map((name) => new TextEncoder().encode(name));
  for (const name of names) {
    if (name.byteLength > maxNameBytes) {
      throw new NetworkError("malformed", `domain, run id and method hold ${maxNameBytes} bytes each, one has ${name.byteLength}`);
    }
  }
  const namesBytes = names.reduce((sum, name) => sum + 1 + name.byteLength, 0);
  const payload = new Uint8Array(fixedBytes + namesBytes + options.body.byteLength);
  const view = new DataView(payload.buffer);
  payload[0] = version;
  payload.set(options.signer.publicKey, 1);
  view.setBigUint64(33, BigInt(options.sequence), true);
  view.setBigUint64(41, BigInt(options.timestampMs), true);
  let at = fixedBytes;
  for (const name of names) {
    payload[at] = name.byteLength;
    payload.set(name, at + 1);
    at += 1 + name.byteLength;
  }
  payload.set(options.body, at);
  const signature = await options.signer.sign(toSign(payload));
  const sealed = new Uint8Array(signatureBytes + payload.byteLength);
  sealed.set(signature);
  sealed.set(payload, signatureBytes);
  return sealed;
}

/** A request as it came. Verifying costs a hundred times what parsing does: look first whether it is worth it. */
export interface UnverifiedRequest {
  /** what it says, and nobody has proven */
  claimed: SignedRequest;
  /** @throws NetworkError `bad-signature` */
  verify(): SignedRequest;
}

/**
 * Parses and verifies a sealed request. Replay is not checked here: pass the result to `ReplayGuard.accept`.
 * @throws NetworkError `malformed`, `wrong-audience`, `bad-signature`
 */
export function openRequest(sealed: Uint8Array, audience: Audience): SignedRequest {
  return readRequest(sealed, audience).verify();
}

/** @throws NetworkError `malformed`, `wrong-audience` */
export function readRequest(sealed: Uint8Array, audience: Audience): UnverifiedRequest {
  if (sealed.byteLength < signatureBytes + fixedBytes + 3) {
    throw new NetworkError(
      "malformed",
      `a signed request has at least ${signatureBytes + fixedBytes + 3} bytes, this one has ${sealed.byteLength}`,
    );
  }
  const payload = sealed.subarray(signatureBytes);
  if (payload[0] !== version) {
    throw new NetworkError("malformed", `signed requests are of version ${version}, this one is of ${payload[0]}; update the older side`);
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const sequence = safeInteger(view.getBigUint64(33, true), "sequence");
  const timestampMs = safeInteger(view.getBigUint64(41, true), "timestamp");
  let at = fixedBytes;
  const readName = (what: string): string => {
    const end = at + 1 + (payload[at] ?? maxNameBytes);
    if (end > payload.byteLength) throw new NetworkError("malformed", `the ${what} of a signed request runs past its end`);
    try {
      const name = utf8.decode(payload.subarray(at + 1, end));
      at = end;
      return name;
    } catch (cause) {
      throw new NetworkError("malformed", `the ${what} of a signed request is not UTF-8`, { cause });
    }
  };
  const domain = readName("domain");
  const runId = readName("run id");
  const method = readName("method");
  if (domain !== audience.domain || runId !== audience.runId) {
    throw new NetworkError(
      "wrong-audience",
      `the request is for ${domain} of run ${runId}, this is ${audience.domain} of run ${audience.runId}`,
    );
  }
  const sender = payload.slice(1, 33);
  const claimed = { sender, method, sequence, timestampMs, body: payload.slice(at) };
  return {
    claimed,
    verify() {
      if (!verifySignature(sender, toSign(payload), sealed.subarray(0, signatureBytes))) {
        throw new NetworkError("bad-signature", `the signature on ${method} is not that of ${keyHex(sender).slice(0, 8)}`);
      }
      return claimed;
    },
  };
}

export interface RequestSealerOptions extends Audience {
  signer: Signer;
  /** Wall clock, milliseconds since 1970. */
  now: () => number;
}

/** Seals one sender's requests with a sequence that rises across restarts too, since it starts from the clock. */
export class RequestSealer {
  readonly #options: RequestSealerOptions;
  #sequence: number;

  constructor(options: RequestSealerOptions) {
    this.#options = options;
    // Above every sequence of an earlier start that sent under 1024 a millisecond; below 2^53 until the year 2248.
    this.#sequence = Math.floor(options.now()) * 1024;
  }

  seal(method: string, body: Uint8Array): Promise<Uint8Array> {
    const { now, ...fixed } = this.#options;
    const timestampMs = Math.floor(now());
    this.#sequence += 1;
    return sealRequest({ ...fixed, method, body, timestampMs, sequence: this.#sequence });
  }
}

export interface ReplayGuardOptions {
  /** Largest difference between the sender's clock and ours. Default 300 000. */
  maxSkewMs?: number;
  /** Senders remembered. Default 65 536. */
  maxSenders?: number;
}

/** How far behind the newest a sequence may arrive: requests of one sender may overtake each other. */
const windowSize = 64;

interface SenderWindow {
  highest: number;
  /** The accepted sequences within the window below `highest`, at most 64. */
  accepted: number[];
  lastTimestampMs: number;
}

/** Accepts each (sender, sequence) once. Give it proven and authorised requests only: it remembers their senders. */
export class ReplayGuard {
  readonly #maxSkewMs: number;
  readonly #maxSenders: number;
  /** In order of last use. */
  readonly #senders = new Map<string, SenderWindow>();

  constructor(options: ReplayGuardOptions = {}) {
    this.#maxSkewMs = options.maxSkewMs ?? 300_000;
    this.#maxSenders = options.maxSenders ?? 65_536;
  }

  /**
   * Whether `accept` would refuse it, told of a request that is not verified yet. Changes nothing.
   * @throws NetworkError `stale`, `replayed`
   */
  check({ sender, method, sequence, timestampMs }: SignedRequest, nowMs: number): void {
    if (Math.abs(nowMs - timestampMs) > this.#maxSkewMs) {
      throw new NetworkError(
        "stale",
        `${method} was signed ${Math.round((nowMs - timestampMs) / 1000)} s from now, at most ${this.#maxSkewMs / 1000} s is accepted; set the clock`,
      );
    }
    const window = this.#senders.get(keyHex(sender));
    if (window === undefined) return;
    const tooOld = sequence <= window.highest - windowSize;
    if (tooOld || window.accepted.includes(sequence)) {
      throw new NetworkError("replayed", `${method} with sequence ${sequence} ${tooOld ? "is too old" : "was seen before"}`);
    }
  }

  /** @throws NetworkError `stale`, `replayed`, `overloaded`. After a throw nothing has changed. */
  accept(request: SignedRequest, nowMs: number): void {
    this.check(request, nowMs);
    const { sequence, timestampMs } = request;
    const name = keyHex(request.sender);
    const window = this.#senders.get(name) ?? this.#admit(nowMs);
    window.highest = Math.max(window.highest, sequence);
    window.accepted = window.accepted.filter((seen) => seen > window.highest - windowSize);
    window.accepted.push(sequence);
    window.lastTimestampMs = Math.max(window.lastTimestampMs, timestampMs);
    this.#senders.delete(name);
    this.#senders.set(name, window);
  }

  #admit(nowMs: number): SenderWindow {
    if (this.#senders.size >= this.#maxSenders) {
      // A sender whose newest request is stale by now can be forgotten: its replays would be stale too.
      for (const [name, window] of this.#senders) {
        if (nowMs - window.lastTimestampMs > this.#maxSkewMs) this.#senders.delete(name);
      }
    }
    if (this.#senders.size >= this.#maxSenders) {
      throw new NetworkError("overloaded", `${this.#maxSenders} senders were active within ${this.#maxSkewMs / 1000} s; try again later`);
    }
    return { highest: -1, accepted: [], lastTimestampMs: 0 };
  }
}

function toSign(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(signingTag.byteLength + payload.byteLength);
  bytes.set(signingTag);
  bytes.set(payload, signingTag.byteLength);
  return bytes;
}

function safeInteger(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new NetworkError("malformed", `the ${what} ${value} of a signed request is over 2^53`);
  }
  return Number(value);
}
