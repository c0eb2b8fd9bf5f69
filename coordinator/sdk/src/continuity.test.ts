import { expect, test } from "vitest";
import { Continuity } from "./continuity.ts";
import { Scene } from "./testScene.ts";

test("a state of another version tells nothing, and breaks nothing", () => {
  const continuity = new Continuity();
  continuity.note(new Uint8Array(12));
  expect(continuity.judge(new Scene().core.snapshot().bytes)).toBe(null);
});

test("a coordinator that came back to the warm-up of an epoch whose rounds had begun is not followed", async () => {
  const scene = new Scene();
  const identities = scene.join(2);
  await scene.wait(1_100);
  const warmup = scene.core.snapshot().bytes;
  for (const { session } of identities) scene.core.warmupWitness(session.publicKey);
  const firstRound = scene.core.snapshot().bytes;
  expect(scene.phase).toBe("RoundTrain");

  const continuity = new Continuity();
  continuity.note(warmup);
  expect(continuity.judge(warmup)).toBe(null);
  expect(continuity.judge(firstRound)).toBe(null);
  continuity.note(firstRound);
  expect(continuity.judge(firstRound)).toBe(null);
  expect(continuity.judge(warmup)).toMatchObject({
    code: "state-lost",
    message: expect.stringMatching(/the warm-up before step 1 of epoch 0/),
  });
});
