/** What nobody in the Worker waited for and that failed: a person is told once, for training may go on without it, or not. */
import { TabError } from "./failure.ts";

/** The network's everyday life (names of libp2p's errors): ended by the other side, by us, or by time. Whoever needs it tries again. */
const EVERYDAY: ReadonlySet<string> = new Set([
  ...[
    "AbortError",
    "TimeoutError",
    "DialError",
    "NotStartedError",
    "UnexpectedEOFError",
    "UnexpectedPeerError",
    "InvalidCryptoExchangeError",
  ],
  ...["ConnectionClosingError", "ConnectionClosedError", "ConnectionFailedError", "LimitedConnectionError", "MuxerClosedError"],
  ...["StreamClosedError", "StreamResetError", "StreamAbortedError", "StreamStateError", "StreamBufferError", "UnsupportedProtocolError"],
  ...["TooManyInboundProtocolStreamsError", "TooManyOutboundProtocolStreamsError", "ProtocolError", "InvalidMessageError"],
]);
/** a fault that says something else each time must not fill the page, nor the memory */
const MOST = 20;

export class Unhandled {
  readonly #told = new Set<string>();

  /** The sentence for the page; null: there is nothing to say, or it was said. */
  sentence(reason: unknown): string | null {
    // why something of ours was stopped: the tab's state says it
    if (reason instanceof TabError) return null;
    const { name, message } = (reason ?? {}) as { name?: unknown; message?: unknown };
    if (typeof name === "string" && EVERYDAY.has(name)) return null;
    const words = typeof message === "string" && message !== "" ? message : String(reason);
    const text = `something in the background did not work: ${words.slice(0, 300)}. If this tab does not train any more, reload the page`;
    if (this.#told.has(text) || this.#told.size >= MOST) return null;
    this.#told.add(text);
    return text;
  }
}
