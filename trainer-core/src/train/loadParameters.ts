import type { ParameterMap } from "../model/parameters.ts";
import type { ParameterSet } from "../model/parameterSet.ts";

/** Writes master and compute copies of every parameter. Throws RangeError on a missing or wrongly sized tensor. */
export function loadParameters(parameters: ParameterSet, weights: ParameterMap): void {
  for (const { name } of parameters.parameters) {
    const tensor = weights.get(name);
    if (!tensor) throw new RangeError(`the weights have no tensor ${name}`);
    parameters.write("master", name, tensor.data);
  }
  parameters.copyMasterToCompute();
}
