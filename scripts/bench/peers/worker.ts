/** One contestant in a tab's Worker. */
import { contestantThread, type Contestant, type ContestantName, type PeerSize, type ToContestant } from "./contestant.ts";

/** Each with its own libraries: none is loaded beside another. */
async function make(name: ContestantName, size: PeerSize): Promise<Contestant> {
  const { gpu } = navigator;
  switch (name) {
    case "starling":
      return (await import("./starling.ts")).starling(gpu, size, null);
    case "starling-clipped":
      return (await import("./starling.ts")).starling(gpu, size, 1);
    case "jax-js":
      return (await import("./jaxjs.ts")).jaxJs(size);
    case "tfjs":
      return (await import("./tfjs.ts")).tfjs(size);
    case "tabgpt":
      return (await import("./tabgpt.ts")).tabgpt(gpu, size);
    default:
      return name satisfies never;
  }
}

const answer = contestantThread(make, navigator.gpu);
self.addEventListener("message", ({ data }: MessageEvent<ToContestant>) => void answer(data).then((told) => self.postMessage(told)));
