/** Entry of the training Worker: the page stays free while it trains. */
import { participate, type Participant } from "./compose.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

const tell = (message: FromWorker) => self.postMessage(message);
let participant: Promise<Participant> | null = null;

self.addEventListener("message", (event: MessageEvent<ToWorker>) => {
  switch (event.data.type) {
    case "join":
      participant ??= participate(event.data, tell);
      participant.catch((error: Error) => tell({ type: "failed", message: error.message }));
      return;
    case "leave":
      void participant
        ?.then((p) => p.leave())
        .then(
          () => tell({ type: "left" }),
          (error: Error) => tell({ type: "failed", message: error.message }),
        );
      return;
  }
});
