/** The Worker's half: `RTCPeerConnection` as @libp2p/webrtc uses it, over a port to the page. Install it before the network is imported. */
import type {
  Candidate,
  ChannelOptions,
  ConnectionCall,
  ConnectionConfig,
  ConnectionFacts,
  Description,
  FromRtcHost,
  ToRtcHost,
} from "./messages.ts";

type Handler = ((event: Event) => void) | null;

/** An EventTarget whose `onNAME` properties work as a browser's do. */
class EventSource extends EventTarget {
  readonly #handlers = new Map<string, Handler>();

  handler(name: string): Handler {
    return this.#handlers.get(name) ?? null;
  }

  setHandler(name: string, handler: Handler): void {
    if (!this.#handlers.has(name)) this.addEventListener(name, (event) => this.#handlers.get(name)?.(event));
    this.#handlers.set(name, handler);
  }
}

/** Adds `onNAME` accessors to a class. */
function withHandlers(target: { prototype: EventSource }, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(target.prototype, `on${name}`, {
      get(this: { handler(name: string): Handler }) {
        return this.handler(name);
      },
      set(this: { setHandler(name: string, handler: Handler): void }, handler: Handler) {
        this.setHandler(name, handler);
      },
    });
  }
}

interface RealChannel extends EventTarget {
  readyState: string;
  readonly label: string;
  readonly protocol: string;
  readonly id: number | null;
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  binaryType: string;
  send(data: unknown): void;
  close(): void;
}

const CHANNEL_EVENTS = ["open", "message", "bufferedamountlow", "error", "closing", "close"] as const;

/** A channel that was asked for and has not come yet; then the channel itself behind it. */
class StandInChannel extends EventSource {
  readonly label: string;
  readonly protocol: string;
  readonly #key: number;
  #real: RealChannel | null = null;
  #isClosed = false;
  #binaryType = "arraybuffer";
  #threshold = 0;

  constructor(key: number, label: string, options: ChannelOptions) {
    super();
    this.#key = key;
    this.label = label;
    this.protocol = options.protocol ?? "";
  }

  get id(): number {
    return this.#real?.id ?? this.#key;
  }
  get readyState(): string {
    return this.#isClosed ? "closed" : (this.#real?.readyState ?? "connecting");
  }
  get bufferedAmount(): number {
    return this.#real?.bufferedAmount ?? 0;
  }
  get binaryType(): string {
    return this.#binaryType;
  }
  set binaryType(type: string) {
    this.#binaryType = type;
    if (this.#real) this.#real.binaryType = type;
  }
  get bufferedAmountLowThreshold(): number {
    return this.#threshold;
  }
  set bufferedAmountLowThreshold(bytes: number) {
    this.#threshold = bytes;
    if (this.#real) this.#real.bufferedAmountLowThreshold = bytes;
  }

  send(data: unknown): void {
    if (this.#real === null) throw new DOMException("the data channel is not open yet", "InvalidStateError");
    this.#real.send(data);
  }

  close(): void {
    if (this.#real) this.#real.close();
    else this.end();
  }

  /** Where it never came, or was not waited for. */
  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.dispatchEvent(new Event("close"));
  }

  becomes(real: RealChannel): void {
    if (this.#isClosed) return real.close();
    this.#real = real;
    real.binaryType = this.#binaryType;
    real.bufferedAmountLowThreshold = this.#threshold;
    for (const name of CHANNEL_EVENTS) {
      real.addEventListener(name, (event) => {
        if (name === "close") return this.end();
        this.dispatchEvent(
          name === "message" ? new MessageEvent(name, { data: (event as MessageEvent).data as unknown }) : new Event(name),
        );
      });
    }
    if (real.readyState === "open") this.dispatchEvent(new Event("open"));
  }
}
withHandlers(StandInChannel, CHANNEL_EVENTS);

const CONNECTION_EVENTS = [
  "connectionstatechange",
  "iceconnectionstatechange",
  "icegatheringstatechange",
  "signalingstatechange",
  "icecandidate",
  "icecandidateerror",
  "negotiationneeded",
  "datachannel",
] as const;

class Bridge {
  readonly #port: MessagePort;
  readonly #calls = new Map<
    number,
    { connection: BridgedConnection | null; resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  readonly connections = new Map<number, BridgedConnection>();
  #next = 1;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<FromRtcHost>) => this.#take(data);
  }

  number(): number {
    return this.#next++;
  }

  tell(message: ToRtcHost): void {
    this.#port.postMessage(message);
  }

  call<T>(connection: BridgedConnection | null, make: (call: number) => ToRtcHost): Promise<T> {
    const call = this.number();
    return new Promise<T>((resolve, reject) => {
      this.#calls.set(call, { connection, resolve: resolve as (value: never) => void, reject });
      this.tell(make(call));
    });
  }

  #take(message: FromRtcHost): void {
    switch (message.type) {
      case "answer": {
        const waiting = this.#calls.get(message.call);
        this.#calls.delete(message.call);
        if (message.facts) waiting?.connection?.learn(message.facts);
        if (message.error) waiting?.reject(new DOMException(message.error.message, message.error.name));
        else waiting?.resolve(message.value as never);
        return;
      }
      case "event":
        return this.connections.get(message.connection)?.heard(message);
      case "channel":
      case "no-channel":
        return this.connections.get(message.connection)?.channelCame(message);
      default:
        message satisfies never;
    }
  }
}

let bridge: Bridge;

/** Made by `generateCertificate`: the page keeps it, this is its number there. */
interface CertificateToken {
  token: number;
}

class BridgedConnection extends EventSource {
  readonly #number = bridge.number();
  readonly #channels = new Map<number, StandInChannel>();
  #isClosed = false;
  #facts: ConnectionFacts = {
    connectionState: "new",
    iceConnectionState: "new",
    iceGatheringState: "new",
    signalingState: "stable",
    localDescription: null,
    remoteDescription: null,
  };

  constructor({ iceServers, certificates }: Omit<ConnectionConfig, "certificates"> & { certificates?: CertificateToken[] } = {}) {
    super();
    bridge.connections.set(this.#number, this);
    const tokens = certificates?.map(({ token }) => token);
    bridge.tell({
      type: "connection",
      connection: this.#number,
      config: { ...(iceServers && { iceServers }), ...(tokens && { certificates: tokens }) },
    });
  }

  static async generateCertificate(parameters: { name: string; namedCurve: string }): Promise<CertificateToken> {
    return { token: await bridge.call<number>(null, (call) => ({ type: "certificate", call, parameters })) };
  }

  get connectionState(): string {
    return this.#isClosed ? "closed" : this.#facts.connectionState;
  }
  get iceConnectionState(): string {
    return this.#isClosed ? "closed" : this.#facts.iceConnectionState;
  }
  get iceGatheringState(): string {
    return this.#facts.iceGatheringState;
  }
  get signalingState(): string {
    return this.#isClosed ? "closed" : this.#facts.signalingState;
  }
  get localDescription(): Description | null {
    return this.#facts.localDescription;
  }
  get remoteDescription(): Description | null {
    return this.#facts.remoteDescription;
  }

  createDataChannel(label: string, options: ChannelOptions = {}): StandInChannel {
    const channel = bridge.number();
    const standIn = new StandInChannel(channel, label, options);
    this.#channels.set(channel, standIn);
    bridge.tell({ type: "channel", connection: this.#number, channel, label, options });
    return standIn;
  }

  createOffer(): Promise<Description> {
    return this.#call("createOffer");
  }
  createAnswer(): Promise<Description> {
    return this.#call("createAnswer");
  }
  setLocalDescription(description?: Description): Promise<void> {
    return this.#call("setLocalDescription", description && { type: description.type, sdp: description.sdp });
  }
  setRemoteDescription({ type, sdp }: Description): Promise<void> {
    return this.#call("setRemoteDescription", { type, sdp });
  }
  addIceCandidate(candidate: BridgedCandidate | Candidate): Promise<void> {
    return this.#call("addIceCandidate", candidate instanceof BridgedCandidate ? candidate.toJSON() : candidate);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    bridge.connections.delete(this.#number);
    bridge.tell({ type: "close", connection: this.#number });
    // what never came
    for (const channel of this.#channels.values()) channel.end();
    this.#channels.clear();
  }

  learn(facts: ConnectionFacts): void {
    this.#facts = facts;
  }

  heard({ name, facts, candidate }: Extract<FromRtcHost, { type: "event" }>): void {
    this.#facts = facts;
    const event = new Event(name);
    if (name === "icecandidate") Object.assign(event, { candidate: candidate ? new BridgedCandidate(candidate) : null });
    this.dispatchEvent(event);
  }

  channelCame(message: Extract<FromRtcHost, { type: "channel" | "no-channel" }>): void {
    if (message.type === "channel" && message.channel === null) {
      this.dispatchEvent(Object.assign(new Event("datachannel"), { channel: message.real }));
      return;
    }
    const standIn = this.#channels.get(message.channel!);
    this.#channels.delete(message.channel!);
    if (message.type === "channel") {
      if (standIn) standIn.becomes(message.real as RealChannel);
      else (message.real as RealChannel).close();
    } else standIn?.end();
  }

  #call<T>(method: ConnectionCall, argument?: Description | Candidate): Promise<T> {
    if (this.#isClosed) return Promise.reject(new DOMException("the connection is closed", "InvalidStateError"));
    return bridge.call<T>(this, (call) => ({ type: "call", call, connection: this.#number, method, argument }));
  }
}
withHandlers(BridgedConnection, CONNECTION_EVENTS);

class BridgedCandidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment: string | null;

  constructor({ candidate = "", sdpMid = null, sdpMLineIndex = null, usernameFragment = null }: Candidate) {
    this.candidate = candidate;
    this.sdpMid = sdpMid;
    this.sdpMLineIndex = sdpMLineIndex;
    this.usernameFragment = usernameFragment;
  }

  toJSON(): Candidate {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = this;
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
  }
}

class BridgedDescription implements Description {
  readonly type: string;
  readonly sdp: string;

  constructor({ type, sdp }: Description) {
    this.type = type;
    this.sdp = sdp;
  }
}

/** Puts the bridge where a page has WebRTC. Once in a Worker's life. */
export function installRtc(port: MessagePort): void {
  bridge = new Bridge(port);
  Object.assign(globalThis, {
    RTCPeerConnection: BridgedConnection,
    RTCIceCandidate: BridgedCandidate,
    RTCSessionDescription: BridgedDescription,
  });
}
