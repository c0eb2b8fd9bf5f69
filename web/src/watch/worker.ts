/** Entry of the Worker that follows runs: libp2p, the state machine's wasm and the websockets stay off the page's thread. */
import type { FromWatcher, ToWatcher } from "./protocol.ts";
import { Watcher } from "./watcher.ts";

const watcher = new Watcher((message: FromWatcher) => self.postMessage(message));

// the network is back, or another one
self.addEventListener("online", () => watcher.wake());
self.addEventListener("message", (event: MessageEvent<ToWatcher>) => watcher.take(event.data));
