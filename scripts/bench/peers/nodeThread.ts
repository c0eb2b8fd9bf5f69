/** One contestant in a Node thread of its own, on Dawn; both are spared the binding's busy polling, as our daemon is. */
import { parentPort } from "node:worker_threads";
import { calmPolling, createDawn } from "@starling/trainer-core/device/dawn.node";
import { contestantThread, type Contestant, type ContestantName, type PeerSize, type ToContestant } from "./contestant.ts";

const gpu = await createDawn();

/** `navigator.gpu` for a library that looks for it there; the devices it takes poll calmly. */
function offerGpu(): void {
  const offered = {
    wgslLanguageFeatures: gpu.wgslLanguageFeatures,
    getPreferredCanvasFormat: () => "bgra8unorm",
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      if (adapter === null) return null;
      const requestDevice = adapter.requestDevice.bind(adapter);
      adapter.requestDevice = async (descriptor) => {
        const device = await requestDevice(descriptor);
        calmPolling(device);
        return device;
      };
      return adapter;
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Node.js", gpu: offered }, configurable: true });
}

async function make(name: ContestantName, size: PeerSize): Promise<Contestant> {
  if (name === "starling") return (await import("./starling.ts")).starling(gpu, size, null, calmPolling);
  if (name !== "jax-js") throw new Error(`${name} does not run in Node`);
  offerGpu();
  return (await import("./jaxjs.ts")).jaxJs(size);
}

const answer = contestantThread(make, gpu);
parentPort!.on("message", (request: ToContestant) => void answer(request).then((told) => parentPort!.postMessage(told)));
