/** The rooms of the house and who may enter which: read by the import check and by the picture in docs/architecture.md. */

export interface Room {
  name: string;
  folder: string;
  /** rooms whose packages it may import */
  mayImport: readonly string[];
  /** runs in a browser Worker too: no node:* outside files named *.node.ts */
  platformFree: boolean;
  what: string;
}

export const ROOMS: readonly Room[] = [
  { name: "config", folder: "config", mayImport: [], platformFree: true, what: "every knob, run configs, presets" },
  { name: "shaders", folder: "shaders", mayImport: [], platformFree: true, what: "WGSL kernels with specs and twins" },
  { name: "network", folder: "trainer-core/network", mayImport: ["config"], platformFree: true, what: "libp2p, blobs, signed requests" },
  {
    name: "sdk",
    folder: "coordinator/sdk",
    mayImport: ["config", "network"],
    platformFree: true,
    what: "machine as wasm, coordinator port and adapters",
  },
  {
    name: "programs",
    folder: "coordinator/programs",
    mayImport: ["config", "sdk"],
    platformFree: false,
    what: "Solana programs, artefacts, LiteSVM harness",
  },
  { name: "server", folder: "coordinator/server", mayImport: ["config", "network", "sdk"], platformFree: true, what: "TCP coordinator" },
  {
    name: "trainer-core",
    folder: "trainer-core",
    mayImport: ["config", "shaders", "network", "sdk"],
    platformFree: true,
    what: "engine, round client",
  },
  {
    name: "node-host",
    folder: "node-host",
    mayImport: ["config", "network", "sdk", "programs", "server", "trainer-core"],
    platformFree: false,
    what: "the starling command",
  },
  { name: "web", folder: "web", mayImport: ["config", "network", "sdk", "trainer-core"], platformFree: true, what: "browser client" },
  {
    name: "e2e",
    folder: "e2e",
    mayImport: ["config", "network", "sdk", "programs", "server", "trainer-core"],
    platformFree: false,
    what: "many processes, one run",
  },
];

/** Inside trainer-core: what a folder of src may not import. `round` sees ports, never a GPU or a socket. */
export const INNER_WALLS: readonly { from: string; never: readonly string[] }[] = [
  { from: "device", never: ["model", "optim", "compress", "train", "round", "protocol", "data", "checkpoint"] },
  { from: "compress", never: ["train", "round", "protocol"] },
  { from: "protocol", never: ["device", "model", "optim", "train", "round"] },
  { from: "round", never: ["device", "model", "optim", "train"] },
  { from: "data", never: ["device", "model", "optim", "train", "round"] },
];
