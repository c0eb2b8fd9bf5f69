/** Which checks `starling doctor` makes, in the order in which it prints them. */
import type { Check, DoctorOptions } from "./check.ts";
import { adapter, arithmetic } from "./checks/adapter.ts";
import { adapters } from "./checks/adapters.ts";
import { clock } from "./checks/clock.ts";
import { coordinator } from "./checks/coordinator.ts";
import { data } from "./checks/data.ts";
import { disk } from "./checks/disk.ts";
import { keyFile } from "./checks/keyFile.ts";
import { limits } from "./checks/limits.ts";
import { machineMemory } from "../engine/memoryOffer.ts";
import { memory } from "./checks/memory.ts";
import { nodeVersion } from "./checks/nodeVersion.ts";
import { nvidia } from "./checks/nvidia.ts";
import { ports, type WantedPort } from "./checks/ports.ts";
import { rpc, websocket } from "./checks/rpc.ts";
import { vulkan } from "./checks/vulkan.ts";
import { cards } from "../platform/cards.ts";
import { listAdapters } from "../platform/listAdapters.ts";
import { Subject } from "./subject.ts";

export function checksFor(options: DoctorOptions): Check[] {
  const subject = new Subject(options);
  const [contact, run, look] = [subject.contact, subject.run, subject.adapter].map((of) => of.bind(subject)) as [
    Subject["contact"],
    Subject["run"],
    Subject["adapter"],
  ];
  return [
    nodeVersion(),
    limits(),
    vulkan(),
    nvidia(),
    adapter(look, options.device),
    adapters({
      list: async (signal) => {
        const found = options.device === "software" ? [] : await listAdapters("system", signal);
        return found.length > 0 || options.device === "gpu" ? found : listAdapters("software", signal);
      },
      cards: () => cards(),
      selector: options.adapter,
    }),
    arithmetic(look),
    memory({
      facts: machineMemory,
      cards: () => cards(),
      run,
      adapter: look,
      engine: {
        profile: "auto",
        precision: "auto",
        microBatchSequences: options.microBatchSize ?? "auto",
        recomputation: options.activationRecomputation,
      },
    }),
    ports(wantedPorts(options)),
    disk(options.checkpointDir, run),
    keyFile(options.identitySecretKeyPath),
    coordinator(contact),
    clock(contact),
    data(run, options.dataDir !== undefined, options.serverAddr !== undefined),
    rpc(options.rpc),
    websocket(options.wsRpc),
  ];
}

function wantedPorts({ bindHost, bindP2pPort, serverPort, metricsLocalPort }: DoctorOptions): WantedPort[] {
  return [
    { option: "--bind-p2p-port", host: bindHost, port: bindP2pPort },
    ...(serverPort === undefined ? [] : [{ option: "--server-port", host: bindHost, port: serverPort }]),
    ...(metricsLocalPort === undefined ? [] : [{ option: "--metrics-local-port", host: "127.0.0.1", port: metricsLocalPort }]),
  ];
}
