import { VirtualClock } from "@starling/network";
import type { Clock } from "@starling/sdk";
import { describe, expect, it } from "vitest";
import { StateSaver } from "./store.ts";

/** A saver of a counter, and a store that can be made to fail or hang. */
class Scene {
  readonly time = new VirtualClock();
  readonly clock: Clock = { nowMs: () => this.time.now(), after: (ms, run) => this.time.schedule(ms, run) };
  readonly written: number[] = [];
  readonly errors: string[] = [];
  version = 0;
  saves = 0;
  attempts = 0;
  store: "works" | "fails" | "hangs" = "works";
  #release: () => void = () => {};
  readonly saver = new StateSaver({
    store: { load: async () => null, save: (bytes) => this.#save(bytes) },
    clock: this.clock,
    take: () => new Uint8Array([this.version]),
    onSaved: () => (this.saves += 1),
    onError: ({ code, message }) => this.errors.push(`${code}: ${message}`),
  });

  async #save(bytes: Uint8Array): Promise<void> {
    this.attempts += 1;
    if (this.store === "fails") throw new Error("ENOSPC: no space left on device");
    if (this.store === "hangs") await new Promise<void>((resolve) => (this.#release = resolve));
    this.written.push(bytes[0]);
  }

  release(): void {
    this.store = "works";
    this.#release();
  }

  move(): void {
    this.version += 1;
    this.saver.moved();
  }

  async settledAfter(ms: number): Promise<boolean> {
    let settled = false;
    void this.saver.settled().then(() => (settled = true));
    await this.time.run(this.time.now() + ms);
    return settled;
  }
}

describe("StateSaver", () => {
  it("saves what changed in one turn once, and the newest of what came while it saved", async () => {
    const scene = new Scene();
    for (let i = 0; i < 10; i++) {
      scene.version += 1;
      scene.saver.changed();
    }
    await scene.time.run(1);
    expect(scene.written).toEqual([10]);
    scene.store = "hangs";
    scene.move();
    await scene.time.run(2);
    scene.move();
    scene.move();
    expect(await scene.settledAfter(100)).toBe(false);
    scene.release();
    expect(await scene.settledAfter(1)).toBe(true);
    expect(scene.written).toEqual([10, 11, 13]);
  });

  it("tells of a full disk once, tries again at each transition, and holds nobody up meanwhile", async () => {
    const scene = new Scene();
    scene.store = "fails";
    scene.move();
    expect(await scene.settledAfter(1)).toBe(true);
    for (let i = 0; i < 5; i++) scene.saver.changed();
    await scene.time.run(10);
    expect(scene.attempts).toBe(1);
    scene.move();
    expect(await scene.settledAfter(1)).toBe(true);
    expect(scene.attempts).toBe(2);
    expect(scene.errors).toEqual([expect.stringMatching(/^storage: .*no space left.*The run goes on/)]);
    scene.store = "works";
    scene.move();
    await scene.time.run(20);
    expect([scene.written, scene.saves]).toEqual([[3], 1]);
    scene.store = "fails";
    scene.move();
    await scene.time.run(30);
    expect(scene.errors).toHaveLength(2);
  });

  it("waits for a disk that hangs, but not for long", async () => {
    const scene = new Scene();
    scene.store = "hangs";
    scene.move();
    expect(await scene.settledAfter(1_900)).toBe(false);
    expect(await scene.settledAfter(200)).toBe(true);
    scene.move();
    expect(await scene.settledAfter(1)).toBe(true);
    expect(scene.errors).toEqual([expect.stringContaining("has not answered for 2 s")]);
    scene.release();
    await scene.saver.finish();
    expect(scene.written.at(-1)).toBe(2);
  });
});
