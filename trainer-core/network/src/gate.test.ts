import { describe, expect, test } from "vitest";
import { Gate } from "./gate.ts";

const never = new AbortController().signal;

describe("a gate", () => {
  test("lets as many in as it has slots, the rest in order, and nobody who gave up", async () => {
    const gate = new Gate(2);
    const inside: number[] = [];
    const leave: (() => void)[] = [];
    const gaveUp = new AbortController();
    const entered = [0, 1, 2, 3, 4].map((i) =>
      gate.enter(i === 2 ? gaveUp.signal : never).then((out) => {
        inside.push(i);
        leave.push(out);
      }),
    );
    entered[2].catch(() => {});
    await Promise.all(entered.slice(0, 2));
    expect(inside).toEqual([0, 1]);
    gaveUp.abort();
    await expect(entered[2]).rejects.toThrow();
    leave[0]();
    await entered[3];
    leave[1]();
    await entered[4];
    expect(inside).toEqual([0, 1, 3, 4]);
    await expect(gate.enter(AbortSignal.abort())).rejects.toThrow();
  });

  test("a key takes no more than its share, and waiting keys have their turns", async () => {
    const gate = new Gate(3, 2);
    const order: string[] = [];
    const leave: (() => void)[] = [];
    const enter = (key: string): Promise<void> =>
      gate.enter(never, key).then((out) => {
        order.push(key);
        leave.push(out);
      });
    const entered = ["a", "a", "a", "a", "a", "b", "b", "c"].map(enter);
    await Promise.all([entered[0], entered[1], entered[5]]);
    expect(order).toEqual(["a", "a", "b"]);
    // One leaves at a time, and the next waiting key takes its place.
    for (let out = 0; out < 5; out++) {
      leave[out]();
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(order.slice(3)).toEqual(["a", "b", "c", "a", "a"]);
  });
});
