/** The Vulkan loader and the drivers (ICDs) that it will offer. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { execFile } from "node:child_process";
import { ok, skip, warn, type Check } from "../check.ts";

const LOADER = "libvulkan.so.1";
/** What NVIDIA's needs without a screen too, and a container seldom has. */
const NVIDIA_DRIVER = "libGLX_nvidia.so.0";
const NVIDIA_NEEDS = ["libX11.so.6", "libXext.so.6"];
const LIBRARY_FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/usr/local/lib"];

export interface VulkanPlaces {
  libraryFolders: readonly string[];
  /** folders of manifests, as the loader searches them */
  manifestFolders: readonly string[];
  /** VK_DRIVER_FILES: these manifests and no others */
  manifestFiles: readonly string[] | null;
  /** what ldconfig knows; null where there is none */
  cachedLibraries: () => Promise<string | null>;
}

function systemVulkanPlaces(): VulkanPlaces {
  const files = process.env["VK_DRIVER_FILES"] ?? process.env["VK_ICD_FILENAMES"];
  const data = process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share");
  return {
    libraryFolders: [...(process.env["LD_LIBRARY_PATH"]?.split(":").filter(Boolean) ?? []), ...LIBRARY_FOLDERS],
    manifestFolders: [data, "/etc", "/usr/local/share", "/usr/share"].map((folder) => join(folder, "vulkan/icd.d")),
    manifestFiles: files ? files.split(":").filter(Boolean) : null,
    cachedLibraries: () =>
      new Promise((done) => execFile("ldconfig", ["-p"], { maxBuffer: 1 << 24 }, (error, out) => done(error ? null : out))),
  };
}

interface Driver {
  manifest: string;
  library: string;
  problem: string | null;
}

export function vulkan(places: VulkanPlaces = systemVulkanPlaces()): Check {
  return {
    id: "vulkan",
    title: "Vulkan drivers",
    run: async () => {
      if (process.platform !== "linux") return skip(`${process.platform} brings its own`);
      const cached = await places.cachedLibraries();
      const isThere = (library: string): boolean =>
        isAbsolute(library)
          ? existsSync(library)
          : places.libraryFolders.some((f) => existsSync(join(f, library))) || (cached?.includes(`${library} `) ?? false);
      const drivers = manifests(places).map((manifest) => driverOf(manifest, isThere));
      const good = drivers.filter((driver) => driver.problem === null);
      const bad = drivers.filter((driver) => driver.problem !== null);
      const names = good.map((driver) => driver.library).join(", ");
      const instead = "without one, training runs on the bundled software adapter, which is only good for trying out";
      if (!isThere(LOADER)) {
        return warn(
          `no loader (${LOADER}); drivers: ${names || "none"}`,
          `Install the loader (Debian, Ubuntu: apt install libvulkan1); ${instead}.`,
        );
      }
      if (bad.length > 0) {
        return warn(
          `${bad.map((d) => `${d.manifest}: ${d.problem}`).join("; ")}${names ? `; in order: ${names}` : ""}`,
          "Install the driver that the manifest belongs to, or delete the manifest: a left-over one can keep Vulkan from starting.",
        );
      }
      if (good.length === 0)
        return warn(
          "the loader is there, but no driver",
          `Install the driver of the GPU (NVIDIA: its own package; in a container its share of the host's, with NVIDIA_DRIVER_CAPABILITIES=all); ${instead}.`,
        );
      const missing = good.some(({ library }) => library.endsWith(NVIDIA_DRIVER)) ? NVIDIA_NEEDS.filter((needed) => !isThere(needed)) : [];
      if (missing.length > 0) {
        return warn(
          `${names}, but not ${missing.join(" and ")}, without which NVIDIA's driver cannot be loaded`,
          "Install them (Debian, Ubuntu: apt install libx11-6 libxext6).",
        );
      }
      return ok(names);
    },
  };
}

function manifests({ manifestFiles, manifestFolders }: VulkanPlaces): string[] {
  if (manifestFiles) return [...manifestFiles];
  return manifestFolders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith(".json"))
          .map((name) => join(folder, name))
      : [],
  );
}

function driverOf(manifest: string, isThere: (library: string) => boolean): Driver {
  let library = "";
  try {
    const { ICD } = JSON.parse(readFileSync(manifest, "utf8")) as { ICD?: { library_path?: unknown } };
    library = String(ICD?.library_path ?? "");
  } catch (error) {
    return { manifest, library, problem: `cannot be read (${(error as Error).message})` };
  }
  if (library === "") return { manifest, library, problem: "names no library" };
  // a path with a slash is relative to the manifest, a bare name is searched
  const path = library.includes("/") && !isAbsolute(library) ? resolve(dirname(manifest), library) : library;
  return { manifest, library, problem: isThere(path) ? null : `its library ${library} is not there` };
}
