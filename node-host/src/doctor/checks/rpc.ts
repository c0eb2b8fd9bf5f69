/** A Solana RPC and its websocket, each asked as training asks it. Told by host: a provider's key may be part of the url. */
import { hostOf } from "@starling/sdk/solana/rpcEndpoint";
import { fail, ok, skip, warn, type Check, type Finding } from "../check.ts";

const TIMEOUT_MS = 5_000;
const SLOW_MS = 1_000;
const MAX_ANSWER_BYTES = 1 << 20;

const OTHER = "Take another RPC url; public ones are often overloaded, and limit what one address may ask.";

export function rpc(url: string | undefined, timeoutMs: number = TIMEOUT_MS): Check {
  return {
    id: "rpc",
    title: "RPC",
    timeoutMs: 4 * timeoutMs,
    run: async (signal) => {
      if (url === undefined) return skip("no --rpc was given");
      if (!URL.canParse(url) || !/^https?:\/\//.test(url))
        return fail("what was given is no http:// or https:// url", "Give the RPC's url, such as https://api.devnet.solana.com.");
      const startedMs = performance.now();
      const health = await call(url, "getHealth", timeoutMs, signal);
      const tookMs = Math.round(performance.now() - startedMs);
      if ("problem" in health) return health.problem;
      if (health.result !== "ok") return fail(`${hostOf(url)} says that it is ${JSON.stringify(health.result)}`, OTHER);
      const version = await call(url, "getVersion", timeoutMs, signal);
      if ("problem" in version) return version.problem;
      const slot = await call(url, "getSlot", timeoutMs, signal);
      if ("problem" in slot) return slot.problem;
      if (!Number.isSafeInteger(slot.result))
        return fail(`${hostOf(url)} answers getSlot with ${JSON.stringify(slot.result).slice(0, 80)}`, OTHER);
      const core = (version.result as { "solana-core"?: unknown } | null)?.["solana-core"];
      const found = `${hostOf(url)}: version ${String(core ?? "unknown")}, slot ${String(slot.result)}, ${tookMs} ms`;
      return tookMs > SLOW_MS ? warn(found, OTHER) : ok(found);
    },
  };
}

async function call(
  url: string,
  method: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ result: unknown } | { problem: Finding }> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method }),
      signal: AbortSignal.any([signal, limit]),
    });
    if (response.status === 429) return { problem: fail(`${hostOf(url)} answers 429: too many requests`, OTHER) };
    if (response.status === 401 || response.status === 403)
      return { problem: fail(`${hostOf(url)} answers ${response.status}`, "Check the key in the url.") };
    const text = await limited(response);
    let answer: { result?: unknown; error?: { message?: string } };
    try {
      answer = JSON.parse(text) as typeof answer;
    } catch {
      return { problem: fail(`${hostOf(url)} answers ${response.status}, and no JSON: is it a Solana RPC?`, "Correct the url.") };
    }
    if (answer.error) return { problem: fail(`${hostOf(url)}: ${method}: ${answer.error.message ?? "error"}`, OTHER) };
    return { result: answer.result };
  } catch (error) {
    if (limit.aborted) return { problem: fail(`${hostOf(url)} gave no answer to ${method} within ${timeoutMs / 1000} s`, OTHER) };
    const reason = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message;
    return { problem: fail(`${hostOf(url)} cannot be reached: ${reason}`, "Correct the url, or look at this machine's network.") };
  }
}

/** A url that streams without end must not fill the memory. */
async function limited(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

export function websocket(url: string | undefined, timeoutMs: number = TIMEOUT_MS): Check {
  return {
    id: "websocket",
    title: "RPC websocket",
    timeoutMs: 2 * timeoutMs,
    run: async (signal) => {
      if (url === undefined) return skip("no --ws was given");
      if (!URL.canParse(url) || !/^wss?:\/\//.test(url))
        return fail("what was given is no ws:// or wss:// url", "Give the websocket's url, such as wss://api.devnet.solana.com.");
      const startedMs = performance.now();
      const outcome = await subscribeOnce(url, timeoutMs, signal);
      if (outcome === "subscribed")
        return ok(`${hostOf(url)}: a subscription was taken in ${Math.round(performance.now() - startedMs)} ms`);
      return fail(
        `${hostOf(url)}: ${outcome}`,
        "Check the url (websockets are often on another port, 8900 beside 8899), or take another provider.",
      );
    },
  };
}

function subscribeOnce(url: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    let opened = false;
    const end = (outcome: string): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.close();
      resolve(outcome);
    };
    const onAbort = (): void => end("the check was ended");
    const timer = setTimeout(
      () => end(`${opened ? "no answer to a subscription" : "no connection"} within ${timeoutMs / 1000} s`),
      timeoutMs,
    );
    signal.addEventListener("abort", onAbort);
    socket.addEventListener("open", () => {
      opened = true;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "slotSubscribe" }));
    });
    socket.addEventListener("message", ({ data }) => {
      try {
        const { result, error } = JSON.parse(String(data)) as { result?: unknown; error?: { message?: string } };
        end(
          typeof result === "number" ? "subscribed" : (error?.message ?? `an answer that is no subscription: ${String(data).slice(0, 80)}`),
        );
      } catch {
        end("an answer that is no JSON");
      }
    });
    socket.addEventListener("error", () => end(opened ? "the connection broke" : "it cannot be connected to"));
    socket.addEventListener("close", () => end("it hung up"));
  });
}
