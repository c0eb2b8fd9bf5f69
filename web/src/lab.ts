/** A plain page around the training Worker: the address names the run, the list shows what the Worker says. */
import { DEFAULT_LIMITS, type FromWorker, type ToWorker } from "./worker/protocol.ts";
import { createRtcHost } from "./worker/rtc/host.ts";

const query = new URL(location.href).searchParams;
const log = document.querySelector<HTMLOListElement>("#log")!;
const status = document.querySelector<HTMLParagraphElement>("#status")!;
const MAX_LINES = 500;

/** for people who look with the browser's own tools, and for tests */
const messages: FromWorker[] = [];
Object.assign(globalThis, { starling: { messages, leave: () => worker?.postMessage({ type: "leave" } satisfies ToWorker) } });
let worker: Worker | null = null;

const text = (message: FromWorker): string =>
  JSON.stringify(message, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));

function show(message: FromWorker): void {
  messages.push(message);
  const line = document.createElement("li");
  line.textContent = message.type === "round" ? `${message.event.type} ${JSON.stringify(message.event)}` : text(message);
  log.append(line);
  if (log.childElementCount > MAX_LINES) log.firstElementChild?.remove();
  if (message.type === "state" && message.state.kind === "failed") status.textContent = `Stopped: ${message.state.text}`;
  if (message.type === "member") status.textContent = `Member ${message.peerId.slice(0, 8)} of run ${message.runId}`;
}

const coordinator = query.get("coordinator");
if (!navigator.gpu) {
  status.textContent =
    "This browser offers no WebGPU here: use a current Chrome, over https or on localhost, with hardware acceleration on.";
} else if (!coordinator) {
  status.textContent =
    "Add ?coordinator=MULTIADDR&data=URL to the address: the WebSocket address that `starling server` prints, and the training text.";
} else {
  status.textContent = "Starting ...";
  worker = new Worker(new URL("./worker/trainer.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", (event: MessageEvent<FromWorker>) => show(event.data));
  worker.addEventListener("error", (event) =>
    show({ type: "state", state: { kind: "failed", code: "internal", text: event.message || "the Worker could not be loaded" } }),
  );
  const rtc = createRtcHost();
  if (rtc) worker.postMessage({ type: "rtc", port: rtc.port } satisfies ToWorker, [rtc.port]);
  worker.postMessage({
    type: "join",
    source: { kind: "tcp", address: coordinator },
    identity: null,
    iceServers: [],
    limits: DEFAULT_LIMITS,
    conditions: { paused: false, hidden: false, pluggedIn: null },
    dataUrls: query.getAll("data"),
    microBatchSequences: Number(query.get("micro-batch") ?? 1),
    hashEveryRound: query.has("hash-every-round"),
  } satisfies ToWorker);
}
