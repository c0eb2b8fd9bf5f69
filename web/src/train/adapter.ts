/** Whether this browser can train the run, in words that say what is missing and what mends it. */
import { adapterName, describeAdapter } from "@starling/trainer-core/device/features";

/** What a run takes, from its plan; `MemoryNeed` of trainer-core has these. */
export interface RunNeed {
  adapterBytes: number;
  hostBytes: number;
  /** largest buffer that must be bound at once */
  bindingBytes: number;
}

export interface AdapterFacts {
  name: string;
  isSoftware: boolean;
  bindingBytes: number;
  bufferBytes: number;
}

export interface BrowserFacts {
  isSecure: boolean;
  hasWebGpu: boolean;
  /** null: none was given */
  adapter: AdapterFacts | null;
  /** what asking for one failed with */
  error: string | null;
  /** as the browser says, at most 8 or so; null: it does not */
  memoryGiB: number | null;
}

export type AdapterVerdict =
  | { kind: "none"; title: string; text: string }
  | { kind: "too-small"; title: string; text: string }
  | { kind: "fine"; adapter: AdapterFacts; notes: string[] };

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const mib = (bytes: number) => `${Math.ceil(bytes / MIB).toLocaleString("en-US")} MiB`;

/** Pure. `need`: null while the run's configuration is not known. */
export function judgeAdapter(browser: BrowserFacts, need: RunNeed | null): AdapterVerdict {
  if (!browser.isSecure) {
    return {
      kind: "none",
      title: "This page was not served over https",
      text: "Browsers give WebGPU and signing keys only to pages that came over https, or from this computer itself (localhost). Open the page by its https address.",
    };
  }
  if (!browser.hasWebGpu) {
    return {
      kind: "none",
      title: "This browser offers no WebGPU",
      text: "Training runs on the graphics card through WebGPU. Use a current Chrome or Edge (113 or newer), or a current Firefox or Safari with WebGPU switched on. An administrator can also have switched it off.",
    };
  }
  if (browser.adapter === null) {
    return {
      kind: "none",
      title: "The browser gives no graphics adapter to this page",
      text: `WebGPU is there, and no adapter behind it${browser.error === null ? "" : ` (${browser.error})`}. Most often hardware acceleration is off in the browser's settings, or the browser does not trust this graphics driver: chrome://gpu says which. Switch acceleration on, update the driver, and start the browser again.`,
    };
  }
  const { adapter, memoryGiB } = browser;
  if (need !== null) {
    const largest = Math.min(adapter.bindingBytes, adapter.bufferBytes);
    if (need.bindingBytes > largest) {
      return {
        kind: "too-small",
        title: "This model is too large for this adapter",
        text: `Its largest tensor needs ${mib(need.bindingBytes)} in one piece; ${adapter.name} binds at most ${mib(largest)}. Another graphics card or browser may do, or a daemon (starling train).`,
      };
    }
    const wanted = need.adapterBytes + need.hostBytes;
    if (memoryGiB !== null && memoryGiB < 8 && wanted > memoryGiB * GIB) {
      return {
        kind: "too-small",
        title: "This model takes more memory than this computer has",
        text: `Training takes about ${mib(wanted)}; the browser says that this computer has ${memoryGiB} GiB.`,
      };
    }
  }
  const notes = adapter.isSoftware
    ? ["This is a software adapter: the processor does the work of a graphics card. It trains correctly, and slowly."]
    : [];
  return { kind: "fine", adapter, notes };
}

/** Asks the browser. The adapter is let go of again: the Worker takes its own. */
export async function readBrowser(): Promise<BrowserFacts> {
  const memoryGiB = (navigator as { deviceMemory?: number }).deviceMemory ?? null;
  const facts = { isSecure: isSecureContext, hasWebGpu: "gpu" in navigator && Boolean(navigator.gpu), memoryGiB };
  if (!facts.isSecure || !facts.hasWebGpu) return { ...facts, adapter: null, error: null };
  try {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return { ...facts, adapter: null, error: null };
    const { info, limits } = adapter;
    const isSoftware = info.isFallbackAdapter || /swiftshader|llvmpipe|basic render/i.test(`${info.architecture} ${info.description}`);
    return {
      ...facts,
      error: null,
      adapter: {
        name: adapterName(describeAdapter(info)) || "the graphics adapter",
        isSoftware,
        bindingBytes: limits.maxStorageBufferBindingSize,
        bufferBytes: limits.maxBufferSize,
      },
    };
  } catch (error) {
    return { ...facts, adapter: null, error: (error as Error).message };
  }
}
