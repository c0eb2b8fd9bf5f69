export type WireErrorCode =
  /** the payload has not the one length that the model's tensors give */
  | "length"
  | "version"
  /** 1-bit where values were agreed, or the other way round */
  | "mode"
  /** of a MatFormer tier that the model cannot have */
  | "tier"
  | "tensor-count"
  | "shape"
  | "topk"
  | "index-range"
  /** positions do not rise within a tile */
  | "index-order"
  | "non-finite"
  /** unused bits of the last byte are set: one result must have one encoding */
  | "padding";

/** A DisTrO result that is not what the run's model and settings call for. Every client decides alike. */
export class WireError extends Error {
  readonly code: WireErrorCode;
  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = "WireError";
    this.code = code;
  }
}
