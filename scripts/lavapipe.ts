/**
 * `npm run lavapipe [-- COMMAND ...]`: runs a command on a software Vulkan driver that has half precision and tensor cores (e2e/src/lavapipe.ts),
 * which is installed into a folder of its own when it is not there. Without a command it says what the driver offers. Such as
 *   npm run lavapipe -- npm run golden -- ../shared/golden --profile tensor
 */
import { spawn } from "node:child_process";
import { describeLavapipe, installLavapipe, isReady, LavapipeError, lavapipeEnvironment, lavapipeFolder } from "../e2e/src/lavapipe.ts";
import { runMain } from "./runMain.ts";

async function main([...command]: readonly string[]): Promise<number> {
  if (!isReady()) installLavapipe(lavapipeFolder(), (line) => console.error(line));
  const [program, ...args] = command;
  if (program === undefined) {
    console.log(describeLavapipe());
    return 0;
  }
  const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...lavapipeEnvironment() } });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new LavapipeError(`${program} cannot be started: ${cause.message}`)));
    child.once("close", (code) => resolve(code ?? 1));
  });
}

runMain("lavapipe", main);
