/** Entry of the training Worker: the page stays free while it trains. */
import { installRtc } from "./rtc/client.ts";
import { asTabError } from "./failure.ts";
import type { Participant } from "./participant.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { Unhandled } from "./unhandled.ts";

const tell = (message: FromWorker): void => self.postMessage(message);
let participant: Participant | null = null;
/** limits and conditions that come while the parts are still being loaded */
const early: ToWorker[] = [];

async function join(request: Extract<ToWorker, { type: "join" }>): Promise<void> {
  // after the page's WebRTC is in place: libp2p looks for it when it is loaded
  const parts = await import("./participant.ts");
  participant = new parts.Participant(request, tell);
  for (const message of early.splice(0)) take(message);
  await participant.start();
}

let joining = false;

function take(message: ToWorker): void {
  switch (message.type) {
    case "rtc":
      return installRtc(message.port);
    case "join":
      if (joining) return;
      joining = true;
      join(message).catch((error: unknown) => {
        const { code, message: text } = asTabError(error);
        tell({ type: "state", state: { kind: "failed", code, text } });
      });
      return;
    case "limits":
    case "conditions":
    case "leave":
      if (participant === null) early.push(message);
      else if (message.type === "limits") participant.setLimits(message.limits);
      else if (message.type === "conditions") participant.setConditions(message.conditions);
      else void participant.leave();
      return;
    default:
      message satisfies never;
  }
}

self.addEventListener("message", (event: MessageEvent<ToWorker>) => take(event.data));

const unhandled = new Unhandled();
// nobody else hears of it: a page gets no error event for it. The browser's console still has it whole
self.addEventListener("unhandledrejection", ({ reason }) => {
  const text = unhandled.sentence(reason);
  if (text !== null) tell({ type: "notice", text });
});
