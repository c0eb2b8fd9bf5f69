import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Says why it was asked to stop, and then takes its time. */
const PROGRAM = `
import { listenForStop } from ${JSON.stringify(new URL("./parent.ts", import.meta.url).href)};
const stop = listenForStop((message) => console.log("message " + message.type));
setInterval(() => {}, 1000);
console.log("up");
console.log(await stop.requested + " " + stop.signal.aborted);
if (process.argv[2] === "polite") process.exit(0);
`;

describe("listenForStop", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-parent-"));
    writeFileSync(join(folder, "program.mjs"), PROGRAM);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function start(manner: "polite" | "slow") {
    const child = fork(join(folder, "program.mjs"), [manner], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    let said = "";
    child.stdout!.on("data", (chunk: Buffer) => (said += chunk.toString()));
    // not "close": that never comes after disconnect()
    const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const says = async (words: string) => {
      while (!said.includes(words)) await once(child.stdout!, "data");
    };
    await says("up");
    return { child, ended, says };
  }

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("takes the first %s as a request and dies of the second", async (signal) => {
    const { child, ended, says } = await start("slow");
    child.kill(signal);
    await says(`${signal} true`);
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
  });

  it("hears its parent: other messages, then stop", async () => {
    const { child, ended, says } = await start("polite");
    child.send({ type: "pause" });
    await says("message pause");
    child.send({ type: "stop" });
    await says("asked by its parent true");
    expect((await ended)[0]).toBe(0);
  });

  it("stops when its parent is gone", async () => {
    const { child, ended, says } = await start("polite");
    child.disconnect();
    await says("its parent is gone true");
    expect((await ended)[0]).toBe(0);
  });
});
