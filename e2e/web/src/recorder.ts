/** Keeps everything that a page sends, hears on websockets, and prints: what "nothing secret leaves the page" is judged by. */
import type { BrowserContext, Page } from "@playwright/test";
import { getBase58Decoder } from "@solana/kit";

/** Shorter pieces of a secret occur by chance. */
const SECRET_BYTES = 32;

export interface Sent {
  what: "request" | "websocket" | "websocket sent" | "console" | "error";
  url: string;
  /** headers and body, a frame, a line */
  bytes: Buffer;
}

export interface Script {
  url: string;
  /** as it went over the wire, decoded */
  body: Buffer;
}

export class Recorder {
  readonly sent: Sent[] = [];
  readonly consoleErrors: string[] = [];
  readonly scripts: Script[] = [];
  readonly #reading: Promise<void>[] = [];

  constructor(context: BrowserContext) {
    context.on("request", (request) => {
      const headers = Object.entries(request.headers()).map(([name, value]) => `${name}: ${value}`);
      const head = Buffer.from(`${request.method()} ${request.url()}\n${headers.join("\n")}\n\n`);
      this.sent.push({ what: "request", url: request.url(), bytes: Buffer.concat([head, request.postDataBuffer() ?? Buffer.alloc(0)]) });
    });
    context.on("response", (response) => {
      if (!/javascript/.test(response.headers()["content-type"] ?? "")) return;
      const read = async (): Promise<void> => {
        // a page that is gone has no bodies any more
        const body = await response.body().catch(() => null);
        if (body !== null) this.scripts.push({ url: response.url(), body });
      };
      this.#reading.push(read());
    });
    context.on("console", (message) => {
      this.sent.push({ what: "console", url: message.location().url, bytes: Buffer.from(message.text()) });
      if (message.type() === "error") this.consoleErrors.push(message.text());
    });
    context.on("weberror", (error) => {
      this.sent.push({ what: "error", url: "", bytes: Buffer.from(String(error.error().stack ?? error.error())) });
      this.consoleErrors.push(String(error.error()));
    });
    const watch = (page: Page): void => {
      page.on("websocket", (socket) => {
        this.sent.push({ what: "websocket", url: socket.url(), bytes: Buffer.from(socket.url()) });
        socket.on("framesent", ({ payload }) => {
          this.sent.push({ what: "websocket sent", url: socket.url(), bytes: Buffer.from(payload) });
        });
      });
    };
    for (const page of context.pages()) watch(page);
    context.on("page", watch);
  }

  /** Until the bodies of all scripts that were asked for are here. */
  async settled(): Promise<void> {
    await Promise.all(this.#reading);
  }

  /** Hosts that the page talked to, with their ports. */
  hosts(): string[] {
    const urls = this.sent.filter(({ what, url }) => (what === "request" || what === "websocket") && /^(http|ws)s?:/.test(url));
    return [...new Set(urls.map(({ url }) => new URL(url).host))];
  }

  /** Where a secret of 32 or more bytes occurs: raw, in hex, base64 or base58, or as a list of numbers. Empty: nowhere. */
  leaks(name: string, secret: Uint8Array): string[] {
    if (secret.length < SECRET_BYTES) throw new Error(`${name} has ${secret.length} bytes: too few to look for`);
    const needles = formsOf(secret);
    return this.sent.flatMap(({ what, url, bytes }) =>
      Object.entries(needles)
        .filter(([, needle]) => bytes.includes(needle))
        .map(([form]) => `${name} as ${form} in a ${what} of ${url || "the page"}`),
    );
  }
}

function formsOf(secret: Uint8Array): Record<string, Buffer> {
  const raw = Buffer.from(secret);
  // base64 has three alignments; what is sure of each is its middle
  const base64 = raw.toString("base64").replace(/=+$/, "");
  const shifted = (by: number): Buffer => {
    const text = Buffer.concat([Buffer.alloc(by), raw]).toString("base64");
    return Buffer.from(text.slice(4, text.length - 4));
  };
  return {
    bytes: raw,
    hex: Buffer.from(raw.toString("hex")),
    "upper-case hex": Buffer.from(raw.toString("hex").toUpperCase()),
    base64: Buffer.from(base64.slice(0, -2)),
    "base64 shifted by one": shifted(1),
    "base64 shifted by two": shifted(2),
    base64url: Buffer.from(raw.toString("base64url").slice(0, -2)),
    base58: Buffer.from(getBase58Decoder().decode(secret)),
    numbers: Buffer.from([...secret].join(",")),
  };
}
