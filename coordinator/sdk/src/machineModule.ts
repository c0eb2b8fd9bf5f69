import { LAYOUT } from "./generated/machineLayout.ts";
import { MACHINE_WASM_BASE64 } from "./generated/machineWasm.ts";

/** What coordinator/crates/wasm exports; its doc comments say what each call expects in `input` and leaves in `output`. */
interface WasmExports {
  memory: WebAssembly.Memory;
  state_ptr(): number;
  input_ptr(): number;
  input_bytes(): number;
  output_ptr(): number;
  create(runIdLength: number, nowMs: bigint): number;
  validate(): number;
  config_violations(): number;
  tick(nowMs: bigint): number;
  is_tick_due(nowMs: bigint): number;
  join(nowMs: bigint): number;
  leave(): number;
  withdraw_carry(): number;
  settle(table: number, slot: number): number;
  settle_all(): number;
  start(nowMs: bigint): number;
  pause(nowMs: bigint): number;
  resume(nowMs: bigint): number;
  update_config(): number;
  set_future_epoch_rates(earningTotalShared: bigint, slashingPerClient: bigint): number;
  warmup_witness(from: number, nowMs: bigint): number;
  witness(from: number, nowMs: bigint): number;
  downloaded(from: number, step: number, listsHeld: number, nowMs: bigint): number;
  health_check(from: number, targetsLength: number, nowMs: bigint): number;
  is_unhealthy(target: number): number;
  report_equivocation(from: number, target: number, nowMs: bigint): number;
  checkpoint(locationLength: number): number;
  assignment(height: number): number;
  elected(height: number): number;
  quorum(height: number): number;
  batch_size_at(dataIndex: bigint): number;
  learning_rate(
    kind: number,
    baseLr: number,
    warmupInitLr: number,
    finalLr: number,
    linearDecayFinalLr: number,
    warmupSteps: number,
    totalSteps: number,
    stableSteps: number,
    cosineDecaySteps: number,
    linearDecaySteps: number,
    step: number,
    coldStartStep: number,
    coldStartSteps: number,
  ): number;
}

/** The module's memory never grows, so these views stay valid. */
export interface MachineModule {
  call: WasmExports;
  /** the machine's state: copy a run's bytes in, call, copy them out */
  state: Uint8Array;
  input: Uint8Array;
  output: Uint8Array;
}

const OUTPUT_BYTES = 8 * 1024;
let instance: MachineModule | undefined;

/** The one instance of this thread, compiled at first use. Synchronous: 46 KB compile in a few milliseconds. */
export function machineModule(): MachineModule {
  instance ??= instantiate();
  return instance;
}

function instantiate(): MachineModule {
  const wasm = Uint8Array.from(atob(MACHINE_WASM_BASE64), (character) => character.charCodeAt(0));
  const call = new WebAssembly.Instance(new WebAssembly.Module(wasm), {}).exports as unknown as WasmExports;
  const { buffer } = call.memory;
  return {
    call,
    state: new Uint8Array(buffer, call.state_ptr(), LAYOUT.State.bytes),
    input: new Uint8Array(buffer, call.input_ptr(), call.input_bytes()),
    output: new Uint8Array(buffer, call.output_ptr(), OUTPUT_BYTES),
  };
}
