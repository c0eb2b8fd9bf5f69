/** The model as one blob for peers: its tensors' f32 little-endian values, row-major, by ascending name, nothing else. */
import type { LlamaConfig } from "@starling/config";
import { elementCount, llamaParameters } from "../model/parameters.ts";
import type { ModelCodec } from "../round/ports.ts";
import { CheckpointError } from "./checkpointError.ts";

/** Sizes follow from `config`, so every client with the same parameters makes the same bytes. Errors: CheckpointError. */
export function modelCodec(config: LlamaConfig): ModelCodec {
  const specs = llamaParameters(config).map(({ name, shape }) => ({ name, elements: elementCount(shape) }));
  const bytesWanted = specs.reduce((sum, spec) => sum + 4 * spec.elements, 0);
  return {
    encode(parameters) {
      const bytes = new Uint8Array(bytesWanted);
      const view = new DataView(bytes.buffer);
      let at = 0;
      for (const { name, elements } of specs) {
        const values = parameters.get(name);
        if (values?.length !== elements) {
          throw new CheckpointError("bad-format", `the model's ${name} has ${elements} values, got ${values?.length ?? "none"}`);
        }
        for (const value of values) {
          view.setFloat32(at, value, true);
          at += 4;
        }
      }
      return bytes;
    },
    decode(bytes) {
      if (bytes.byteLength !== bytesWanted) {
        throw new CheckpointError("bad-format", `a peer's model must have ${bytesWanted} bytes, got ${bytes.byteLength}`);
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      return new Map(
        specs.map(({ name, elements }) => {
          const values = new Float32Array(elements);
          for (let i = 0; i < elements; i++, at += 4) values[i] = view.getFloat32(at, true);
          return [name, values];
        }),
      );
    },
  };
}
