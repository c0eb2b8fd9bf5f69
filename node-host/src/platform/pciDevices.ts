/** The graphics devices of this machine's PCI bus, as Linux tells them; none elsewhere. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PciDevice } from "./adapters.ts";

/** Display controllers, and processing accelerators, as which some GPUs without a display present themselves. */
const GRAPHICS_CLASSES = /^0x(03|12)/;

/** In the order of the bus. `root`: of the file system; for tests. */
export function pciDevices(root = "/"): PciDevice[] {
  const folder = join(root, "sys/bus/pci/devices");
  let ids: string[];
  try {
    ids = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return ids.flatMap((id) => {
    const read = (...path: string[]) => {
      try {
        return readFileSync(join(root, ...path), "utf8").trim();
      } catch {
        return "";
      }
    };
    const device = ["sys/bus/pci/devices", id] as const;
    if (!GRAPHICS_CLASSES.test(read(...device, "class"))) return [];
    const model = /^Model:\s*(.+)$/m.exec(read("proc/driver/nvidia/gpus", id, "information"))?.[1] ?? null;
    return [{ id, vendorId: Number(read(...device, "vendor")), model }];
  });
}
