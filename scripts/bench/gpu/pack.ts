/**
 * Packs `bench gpu` for a bare machine with an NVIDIA GPU and nothing else: Node, npm `webgpu`, the Vulkan loader with the X libraries that
 * NVIDIA's driver needs, and the benchmark as one file. There: `. DIR/enter.sh; node DIR/benchGpu.mjs --device gpu --out FILE`.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineOptions, type OptionsOf } from "@starling/config";
import { build } from "vite";

export const packGpuBenchOptions = defineOptions({
  folder: { type: "string", unit: "path", minBytes: 1, default: ".gpu", env: null, doc: "Where to write it." },
  golden: { type: "string", unit: "path", minBytes: 1, optional: true, env: null, doc: "Folder of golden cases to take along." },
});

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..", "..");

/** The Vulkan loader, and what NVIDIA's driver is linked against. */
const PACKAGES = ["libvulkan1", "libx11-6", "libxext6", "libxcb1", "libxau6", "libxdmcp6", "libbsd0", "libmd0"];

const ENTER = `# Sourced from the folder above: Node on PATH, webgpu resolvable, Vulkan loader and NVIDIA driver found.
here=$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$here/bin"
[ -x "$here/bin/node" ] || { xz -dc "$here/node.xz" >"$here/bin/node" && chmod +x "$here/bin/node"; }
export PATH="$here/bin:$PATH"
[ -d "$here/node_modules/webgpu" ] || { mkdir -p "$here/node_modules" && tar -C "$here/node_modules" -xJf "$here/webgpu.txz"; }
# beside the system's own, so root or not: the Vulkan loader, and what NVIDIA's driver needs of X without a screen too
export PATH="$PATH:/usr/sbin:/sbin"
for lib in libvulkan.so.1 libX11.so.6 libXext.so.6; do
  ldconfig -p | grep -q "$lib " && continue
  [ -d "$here/root" ] || for d in "$here"/*.deb; do dpkg-deb -x "$d" "$here/root"; done
  export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/root/usr/lib/x86_64-linux-gnu"
  break
done
icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
[ -z "\${VK_DRIVER_FILES:-}" ] && [ -e "$icd" ] && export VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
`;

/** Writes everything into `folder`. Throws where a tool it needs fails. */
export async function packGpuBench({ folder, golden }: OptionsOf<typeof packGpuBenchOptions>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await build({
    configFile: false,
    root: ROOT,
    logLevel: "warn",
    ssr: { noExternal: true, target: "node" },
    build: {
      ssr: join(HERE, "main.ts"),
      outDir: resolve(folder),
      emptyOutDir: false,
      target: "es2024",
      minify: false,
      rollupOptions: {
        external: [/^node:/, "webgpu"],
        output: { entryFileNames: "benchGpu.mjs", codeSplitting: false },
      },
    },
  });
  cpSync(join(HERE, "torchLlama.py"), join(folder, "torchLlama.py"));
  const node = realpathSync(process.execPath);
  shell(`xz -T0 -1 -c '${node}' >'${join(folder, "node.xz")}'`);
  const skipped = ["darwin*", "win32*", "linux-arm64"].map((name) => `--exclude='${name}'`).join(" ");
  shell(`tar -C '${join(ROOT, "node_modules")}' -cJf '${join(folder, "webgpu.txz")}' ${skipped} webgpu`);
  const lacking = PACKAGES.filter((name) => !readdirSync(folder).some((file) => file.startsWith(`${name}_`)));
  if (lacking.length > 0) shell(`cd '${folder}' && apt-get download ${lacking.join(" ")}`);
  writeFileSync(join(folder, "enter.sh"), ENTER);
  if (golden !== undefined) {
    const to = join(folder, "golden");
    rmSync(to, { recursive: true, force: true });
    cpSync(golden, to, { recursive: true });
  }
  const shown = relative(process.cwd(), folder) || ".";
  console.log(
    `packed ${shown}; there: . ${shown}/enter.sh; node ${shown}/benchGpu.mjs --device gpu --out gpu.json${golden === undefined ? "" : ` --golden ${shown}/golden`}`,
  );
}

function shell(command: string): void {
  const { status, error } = spawnSync("bash", ["-c", command], { stdio: "inherit" });
  if (status !== 0) throw new Error(`"${command}" failed${error ? `: ${error.message}` : ""}`);
}
