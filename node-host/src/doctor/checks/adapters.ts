/** Every adapter of the machine, as `--adapter` counts and names them. */
import type { AdapterListing } from "../../platform/adapters.ts";
import { freeBytesOf, type Card } from "../../platform/cards.ts";
import { adapterLine, isReachable, selectAdapters } from "../../platform/adapters.ts";
import { fail, ok, skip, warn, type Check, type Finding } from "../check.ts";

const TIMEOUT_MS = 60_000;
const MIB = 2 ** 20;

export interface AdaptersSubject {
  /** of the drivers that a client here would use */
  list: (signal: AbortSignal) => Promise<AdapterListing[]>;
  cards: () => Promise<readonly Card[]>;
  /** `--adapter` */
  selector: string | undefined;
}

export function adapters({ list, cards, selector }: AdaptersSubject): Check {
  return {
    id: "adapters",
    title: "All adapters",
    timeoutMs: TIMEOUT_MS,
    run: async (signal): Promise<Finding> => {
      const found = await list(signal);
      if (found.length === 0) return skip("Dawn lists none");
      const known = await cards();
      const listed = found.map((adapter) => line(adapter, found, freeBytesOf(adapter, known))).join("; ");
      const hidden = found.find((_, index) => !isReachable(found, index));
      if (selector !== undefined) {
        try {
          const chosen = selectAdapters(selector, found);
          return ok(`${listed}; --adapter ${selector} takes ${chosen.map(({ index }) => index).join(" and ")}`);
        } catch (error) {
          return fail((error as Error).message, "Name adapters of this list by index, PCI id or a part of the name that only one has.");
        }
      }
      if (hidden === undefined) return ok(listed);
      return warn(
        listed,
        `Start one client a GPU, each seeing only its own: one process reaches the first of a name alone, and not adapter ${hidden.index}.`,
      );
    },
  };
}

function line(adapter: AdapterListing, all: readonly AdapterListing[], freeBytes: number | null): string {
  if (!isReachable(all, all.indexOf(adapter))) return `${adapterLine(adapter)}, cannot be reached from the same process`;
  const { profile, maxBufferBytes, features, isFallbackAdapter } = adapter;
  if (maxBufferBytes === 0) return `${adapterLine(adapter)}, gives no device`;
  const can = [features.includes("shader-f16") ? "f16" : "no f16"];
  if (features.some((feature) => feature.includes("subgroup-matrix"))) can.push("tensor cores");
  const memory = freeBytes === null ? [] : [`${Math.round(freeBytes / MIB)} MiB free`];
  const kind = isFallbackAdapter ? ["software"] : [];
  const buffers = `buffers up to ${Math.round(maxBufferBytes / MIB)} MiB`;
  return `${adapterLine(adapter)}, ${[...kind, ...memory, buffers, ...can, `kernels ${profile}`].join(", ")}`;
}
