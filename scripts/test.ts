/**
 * `npm test`: checks, the Rust machine's native tests, every Vitest suite (kernels on a real adapter, libp2p, whole runs).
 * Arguments go to Vitest (`npm test -- trainer-core/src/compress`), then only Vitest runs.
 * The last line is `N passed, N failed, N skipped`, over everything; the exit code is 0 only when nothing failed.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conclude, type Counts } from "./counts.ts";
import { isReady, lavapipeEnvironment } from "../e2e/src/lavapipe.ts";

/** What half precision and tensor cores take part in. */
const ON_TENSOR_CORES = [
  ...["attention", "matmul", "rows", "storage", "storedKernels"].map((name) => `trainer-core/src/model/${name}.node.test.ts`),
  ...["device/openDevice", "device/tensorCores", "train/precision"].map((name) => `trainer-core/src/${name}.node.test.ts`),
  "scripts/bench/precision/trainLosses.node.test.ts",
];

const filters = process.argv.slice(2);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };

function has(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}

function runChecks(): void {
  const result = spawnSync(process.execPath, ["scripts/check.ts"], { encoding: "utf8", stdio: ["ignore", "pipe", 2] });
  process.stdout.write(result.stdout);
  total.passed += result.stdout.match(/^ok {2}/gm)?.length ?? 0;
  total.failed += result.stdout.match(/^FAIL /gm)?.length ?? (result.status === 0 ? 0 : 1);
}

function runCargo(): void {
  if (!has("cargo")) {
    console.log(
      "skip coordinator/crates: no cargo here; install Rust (rustup or apt) to test the state machine natively. The committed wasm is tested either way.",
    );
    total.skipped++;
    return;
  }
  const result = spawnSync("cargo", ["test", "--quiet", "--locked", "--workspace"], {
    cwd: "coordinator",
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2],
    maxBuffer: 1 << 26,
  });
  process.stdout.write(result.stdout);
  let counted = 0;
  for (const [, passed, failed, ignored] of result.stdout.matchAll(/(\d+) passed; (\d+) failed; (\d+) ignored/g)) {
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(ignored);
    counted += Number(failed);
  }
  if (result.status !== 0 && counted === 0) total.failed++; // it did not compile
}

/**
 * Rebuilds the state machine's wasm: with the toolchain it was committed from, the bytes must be the same. With another one they
 * cannot be compared; then CI runs the whole suite on the fresh artefact instead of the committed one.
 */
function runWasm(): void {
  const result = spawnSync(process.execPath, ["scripts/build-wasm.mjs", "--verify"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.stderr.includes("No Rust toolchain for wasm32")) {
    console.log("skip wasm: no Rust toolchain for wasm32 here, the committed artefact is used unverified (see scripts/build-wasm.mjs)");
    total.skipped++;
    return;
  }
  const ok = result.status === 0;
  console.log(`${ok ? "ok  " : "FAIL"} wasm: ${(ok ? result.stdout : result.stderr).trim().replaceAll("\n", "; ")}`);
  if (ok) total.passed++;
  else total.failed++;
  if (ok && process.env["CI"] && result.stdout.includes("not comparable")) {
    const built = spawnSync(process.execPath, ["scripts/build-wasm.mjs"], { stdio: ["ignore", 2, 2] });
    console.log(built.status === 0 ? "the suite below runs on the artefact built here" : "FAIL wasm: the artefact could not be built here");
    if (built.status !== 0) total.failed++;
  }
}

/**
 * Rebuilds the Solana programs where a toolchain for them is ready (`npm run programs:verify` makes it so); the committed ones are
 * tested either way, and a test compares their sources' hash. Neither packages nor tools are made for this: minutes of both cores.
 */
function runPrograms(): void {
  const result = spawnSync(process.execPath, ["scripts/build-programs.mjs", "--verify", "--ready"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.status === 3) {
    console.log(
      "skip programs: no toolchain for Solana programs is ready here, the committed artefacts are used unverified (see docs/programs.md)",
    );
    total.skipped++;
    return;
  }
  const ok = result.status === 0;
  console.log(`${ok ? "ok  " : "FAIL"} programs: ${(ok ? result.stdout : result.stderr).trim().replaceAll("\n", "; ")}`);
  if (ok) total.passed++;
  else total.failed++;
}

/**
 * The kernels once more, on a driver with half precision and tensor cores: SwiftShader has neither, so the tests above left them out or
 * emulated them. Where it is ready; it is not downloaded for this.
 */
function runLavapipe(): void {
  if (!isReady()) {
    console.log(
      "skip lavapipe: no software driver with tensor cores is ready here, their kernels were compiled and emulated alone (npm run lavapipe)",
    );
    total.skipped++;
    return;
  }
  runVitest(ON_TENSOR_CORES, lavapipeEnvironment());
}

function runVitest(suites: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  const folder = mkdtempSync(join(tmpdir(), "starling-test-"));
  const report = join(folder, "vitest.json");
  const result = spawnSync("vitest", ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...suites], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...environment },
  });
  try {
    const counts = JSON.parse(readFileSync(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      numPendingTests: number;
      numFailedTestSuites: number;
      testResults: { status: string; assertionResults: unknown[] }[];
    };
    total.passed += counts.numPassedTests;
    total.failed += counts.numFailedTests;
    total.skipped += counts.numPendingTests;
    // a file that does not even load has no tests to count
    total.failed += counts.testResults.filter((r) => r.status === "failed" && r.assertionResults.length === 0).length;
    if (result.status !== 0 && total.failed === 0) total.failed++; // an unhandled error beside green tests
  } catch {
    console.log("Vitest left no report: it was stopped, or ran out of memory");
    total.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const startedMs = performance.now();
if (filters.length === 0) {
  runChecks();
  runCargo();
  runWasm();
  runPrograms();
}
runVitest(filters);
if (filters.length === 0) runLavapipe();
conclude(total, startedMs);
