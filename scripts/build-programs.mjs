// Builds the three Solana programs, and the toolchain's self-test, to coordinator/programs/artifacts/NAME.so and writes manifest.json.
//   node scripts/build-programs.mjs             build all and write; --only NAME builds one
//   node scripts/build-programs.mjs --verify    build to a scratch folder and compare with what is committed; writes nothing
// Two toolchains, either does: `cargo build-sbf` (Solana's own), or the recipe in coordinator/toolchain (Debian packages). The one
// that made the committed files is taken where it is here, --toolchain platform-tools|debian-recipe takes another.
//   --ready      only if that takes no more than building: where the recipe's own tools are not built yet, end as without a toolchain
//   --install    first let the recipe install its Debian packages (root)
//   --sources    print the hash of the sources, as the manifest has it, and build nothing
//   --out DIR    write there instead   --arch v3    the newer instruction set (default v0, which every cluster takes)
// Ends with 0: done, or verified; 1: the build failed or the artefacts are not of these sources; 3: no toolchain here.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const coordinator = join(root, "coordinator");
const recipe = join(coordinator, "toolchain");
const artifacts = join(coordinator, "programs/artifacts");
const tools = process.env.SBF_TOOLS ?? join(coordinator, "target/toolchain");
/** name of the artefact -> its crate, relative to coordinator/ */
const CRATES = {
  coordinator: "programs/coordinator",
  authorizer: "programs/authorizer",
  treasurer: "programs/treasurer",
  selftest: "toolchain/selftest",
};
const PROGRAMS = Object.keys(CRATES);
const PACKAGES = ["rustc-web", "libstd-rust-web-dev-bpf", "llvm-22", "clang-22"];
/** What the bytes are made of, besides the toolchain. */
const SOURCES = [
  "Cargo.toml",
  "Cargo.lock",
  "toolchain",
  "crates/machine/Cargo.toml",
  "crates/machine/src",
  ...["common", "coordinator", "authorizer", "treasurer"].flatMap((name) => [`programs/${name}/Cargo.toml`, `programs/${name}/src`]),
];
const NO_TOOLCHAIN = 3;
const REBUILD = 'run "node scripts/build-programs.mjs" and commit the result';
const ARCHS = ["v0", "v3"];

const sha256Of = (bytes) => createHash("sha256").update(bytes).digest("hex");
const firstLine = (command, args) => spawnSync(command, args, { encoding: "utf8" }).stdout?.split("\n")[0]?.trim();

function filesUnder(path) {
  if (!existsSync(path)) throw new Error(`${relative(root, path)} is missing: it belongs to the programs' sources`);
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(path, entry.name)) : [join(path, entry.name)]))
    .filter((file) => /\.(rs|toml|lock|cpp|c|sh)$|sbf-ld$/.test(file));
}

/** One hash over names and bytes of every source file: tells stale artefacts without building. */
function sourceSha256() {
  const files = SOURCES.flatMap((name) => {
    const path = join(coordinator, name);
    return /\.(toml|lock)$/.test(name) ? [path] : filesUnder(path);
  });
  const hash = createHash("sha256");
  for (const file of files.toSorted()) hash.update(`${relative(coordinator, file)}\0${sha256Of(readFileSync(file))}\n`);
  return hash.digest("hex");
}

/** @returns {{ kind: string, [part: string]: string } | undefined} what is here of that toolchain, with its versions */
function describe(kind) {
  if (kind === "platform-tools") {
    const result = spawnSync("cargo", ["build-sbf", "--version"], { encoding: "utf8" });
    return result.status === 0 ? { kind, versions: result.stdout.trim().replaceAll("\n", ", ") } : undefined;
  }
  const versions = PACKAGES.map((name) => [name, firstLine("dpkg-query", ["-W", "-f", "${Version}", name])]);
  if (versions.some(([, version]) => !version)) return undefined;
  return { kind, ...Object.fromEntries(versions) };
}

function findToolchain(wanted, committed) {
  const kinds = wanted ? [wanted] : [...new Set([committed?.toolchain.kind ?? "debian-recipe", "platform-tools", "debian-recipe"])];
  for (const kind of kinds) {
    const found = describe(kind);
    if (found) return found;
  }
  console.error(
    `No toolchain for Solana programs here (looked for ${kinds.join(", ")}). Nothing is lost: the committed artefacts are used everywhere. To build them yourself:
  Solana's tools:   sh -c "$(curl -sSfL https://release.anza.xyz/stable/install)"     then "cargo build-sbf" is on the PATH
  or Debian 12:     node scripts/build-programs.mjs --install     as root; installs ${PACKAGES.join(", ")}, llvm-22-dev, cargo-web and g++`,
  );
  process.exit(NO_TOOLCHAIN);
}

/** The recipe's own three tools, built when their sources have changed. */
function prepareRecipe({ install, ready }) {
  const stamp = join(tools, "stamp");
  const parts = [
    "install.sh",
    "runtime.c",
    "legalize.cpp",
    "sbflink/Cargo.toml",
    "sbflink/Cargo.lock",
    "sbflink/src/main.rs",
    "sbf-ld",
    "build.sh",
  ];
  const wanted = sha256Of(Buffer.concat(parts.map((name) => readFileSync(join(recipe, name)))));
  if (existsSync(stamp) && readFileSync(stamp, "utf8").trim() === wanted) return;
  if (ready) {
    console.error("the recipe's tools are not built here: node scripts/build-programs.mjs builds them once");
    process.exit(NO_TOOLCHAIN);
  }
  console.log("building the recipe's tools into coordinator/target/toolchain (about 3 minutes the first time) ...");
  const result = spawnSync(join(recipe, "install.sh"), install ? ["--packages"] : [], {
    stdio: "inherit",
    env: { ...process.env, SBF_TOOLS: tools },
  });
  if (result.status === NO_TOOLCHAIN) process.exit(NO_TOOLCHAIN);
  if (result.status !== 0) throw new Error(`coordinator/toolchain/install.sh ended with ${result.status}: see above`);
  // cargo does not know that its linker has changed
  for (const arch of ARCHS)
    rmSync(join(process.env.CARGO_TARGET_DIR ?? join(coordinator, "target"), `sbf-${arch}`), { recursive: true, force: true });
  writeFileSync(stamp, `${wanted}\n`); // last, so that what was cut short is done again
}

function buildOne(toolchain, name, arch, folder) {
  const crate = `starling-${name}`;
  const out = join(folder, `${name}.so`);
  if (toolchain.kind === "debian-recipe") {
    execFileSync(join(recipe, "build.sh"), [crate, out], { stdio: "inherit", env: { ...process.env, SBF_TOOLS: tools, SBF_ARCH: arch } });
    return;
  }
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const scratch = mkdtempSync(join(tmpdir(), "starling-sbf-"));
  try {
    execFileSync(
      "cargo",
      [
        "build-sbf",
        "--arch",
        arch,
        "--sbf-out-dir",
        scratch,
        "--manifest-path",
        join(coordinator, CRATES[name], "Cargo.toml"),
        "--",
        "--locked",
      ],
      {
        stdio: "inherit",
        env: {
          ...process.env,
          CARGO_PROFILE_RELEASE_OPT_LEVEL: "3",
          CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS: "true",
          RUSTFLAGS: `--remap-path-prefix=${coordinator}=coordinator --remap-path-prefix=${join(cargoHome, "registry/src")}=registry`,
        },
      },
    );
    copyFileSync(join(scratch, `${crate.replaceAll("-", "_")}.so`), out);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function build(toolchain, options, folder) {
  if (toolchain.kind === "debian-recipe") prepareRecipe(options);
  mkdirSync(folder, { recursive: true });
  const programs = {};
  for (const name of options.only ? [options.only] : PROGRAMS) {
    const started = performance.now();
    buildOne(toolchain, name, options.arch, folder);
    const bytes = readFileSync(join(folder, `${name}.so`));
    programs[name] = { bytes: bytes.length, sha256: sha256Of(bytes) };
    console.log(`${name}.so  ${bytes.length} bytes  ${programs[name].sha256}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  return programs;
}

function verify(toolchain, options, committed) {
  if (!committed) throw new Error("there is no coordinator/programs/artifacts/manifest.json to compare with");
  const problems = [];
  for (const name of PROGRAMS) {
    if (sha256Of(readFileSync(join(artifacts, `${name}.so`))) !== committed.programs[name]?.sha256) {
      problems.push(`${name}.so is not the file that manifest.json names; ${REBUILD}`);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "starling-programs-"));
  try {
    const fresh = build(toolchain, { ...options, arch: committed.arch }, folder);
    const different = PROGRAMS.filter((name) => fresh[name].sha256 !== committed.programs[name]?.sha256);
    const sameToolchain = JSON.stringify(toolchain) === JSON.stringify(committed.toolchain);
    if (different.length === 0) console.log("identical: the committed artefacts are of these sources");
    else if (sameToolchain) problems.push(`the same toolchain gives other bytes for ${different.join(", ")}; ${REBUILD}`);
    else {
      console.log(
        `identity not comparable: toolchain moved\ncommitted: ${JSON.stringify(committed.toolchain)}\nhere:      ${JSON.stringify(toolchain)}`,
      );
      console.log("running the programs' tests on the fresh artefacts instead ...");
      const result = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", "coordinator/programs"], {
        cwd: root,
        stdio: "inherit",
        env: { ...process.env, STARLING_PROGRAMS_DIR: folder },
      });
      if (result.status !== 0)
        problems.push("the fresh artefacts do not pass the programs' tests: this toolchain, or the sources, have a fault");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const problem of problems) console.error(`build-programs --verify: ${problem}`);
  if (problems.length > 0) process.exit(1);
}

function main() {
  const { values: options } = parseArgs({
    options: {
      verify: { type: "boolean", default: false },
      sources: { type: "boolean", default: false },
      ready: { type: "boolean", default: false },
      install: { type: "boolean", default: false },
      only: { type: "string" },
      out: { type: "string", default: artifacts },
      arch: { type: "string", default: "v0" },
      toolchain: { type: "string" },
    },
  });
  if (options.sources) return console.log(sourceSha256());
  if (options.only !== undefined && !PROGRAMS.includes(options.only)) throw new Error(`--only takes one of ${PROGRAMS.join(", ")}`);
  if (!ARCHS.includes(options.arch)) throw new Error("--arch takes v0 or v3");
  if (![undefined, "platform-tools", "debian-recipe"].includes(options.toolchain)) {
    throw new Error("--toolchain takes platform-tools or debian-recipe");
  }
  const manifestPath = join(artifacts, "manifest.json");
  const committed = existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, "utf8")) : undefined;
  if (options.install) prepareRecipe(options);
  const toolchain = findToolchain(options.toolchain, committed);
  if (options.verify) return verify(toolchain, options, committed);
  const out = resolve(options.out);
  const programs = build(toolchain, options, out);
  const manifest = {
    programs: { ...(options.only ? committed?.programs : {}), ...programs },
    arch: options.arch,
    // of one program alone it cannot be said of which sources the others are
    sourceSha256: options.only ? committed?.sourceSha256 : sourceSha256(),
    toolchain,
  };
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

try {
  main();
} catch (error) {
  console.error(`build-programs: ${error.message}`);
  process.exit(1);
}
