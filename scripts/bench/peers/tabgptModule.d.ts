/** What `bench peers` uses of jbingen/tabgpt; the module is made of TABGPT_DIR, or of nothing (peers/build.ts). */
declare module "tabgpt/model" {
  export class GPT {
    constructor(
      device: GPUDevice,
      config: { B: number; T: number; C: number; L: number; NH: number; V: number; lr: number; warmup: number; f16: boolean },
    );
    readonly numParams: number;
    trainStep(x: Uint32Array<ArrayBuffer>, y: Uint32Array<ArrayBuffer>): Promise<number>;
  }
  export function setF16(on: boolean): void;
}
