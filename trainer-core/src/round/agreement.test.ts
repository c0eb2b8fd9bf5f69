import { describe, expect, test } from "vitest";
import { agreedResults, countedEntries, tally } from "./agreement.ts";
import { round, witness } from "./testRound.ts";

const [a, b, c] = ["aa", "bb", "cc"].map((byte) => byte.repeat(32));

describe("which lists count", () => {
  // 4 elected: quorum 3, so one may lie, and two holders include an honest one
  test.each([
    [
      [0b0000, 0b1111, 0b1111, 0b1111],
      [0, 1, 2, 3],
    ],
    [
      [0b1110, 0b1110, 0b1110, null],
      [1, 2, 3],
    ],
    // a liar that denies everything and reports first, and the two honest ones that were needed for the quorum
    [
      [0b0000, 0b1110, 0b1110, null],
      [1, 2, 3],
    ],
    // a list that only its liar claims to hold
    [
      [0b0001, 0b1110, 0b1110, 0b1110],
      [1, 2, 3],
    ],
    [[null, null, null, null], []],
  ])("downloads %j: entries %j", (listsHeld, counted) => {
    const plan = round({ witnesses: listsHeld.map((held, i) => witness(i, `0${i}`.repeat(32), held)) }).plan;
    expect(countedEntries(plan).map(({ position }) => position)).toEqual(counted);
  });
});

describe("what is applied", () => {
  const held = 0b1111;
  const lists = {
    ["01".repeat(32)]: [a, b, null, c],
    ["02".repeat(32)]: [a, c, null, null, null, null, null],
  };
  const [one, two] = Object.keys(lists);

  test("a quorum of lists names it", () => {
    const full = round({ witnesses: [witness(0, one, held), witness(1, one, held), witness(2, two, held), witness(3, one, held)], lists });
    expect(agreedResults(full)).toEqual({
      status: "agreed",
      results: [
        { batch: 0, commitment: a, namedBy: [0, 1, 2, 3] },
        { batch: 1, commitment: b, namedBy: [0, 1, 3] },
        { batch: 3, commitment: c, namedBy: [0, 1, 3] },
      ],
    });
  });

  test("two lists of four are not enough", () => {
    const split = round({ witnesses: [witness(0, one, held), witness(1, one, held), witness(2, two, held), witness(3, two, held)], lists });
    expect(agreedResults(split)).toEqual({ status: "agreed", results: [{ batch: 0, commitment: a, namedBy: [0, 1, 2, 3] }] });
  });

  test("nothing is decided before every list that counts is here", () => {
    const lacking = round({
      witnesses: [witness(0, one, held), witness(1, one, held), witness(2, one, held), witness(3, "ff".repeat(32), held)],
      lists,
    });
    const agreement = agreedResults(lacking);
    expect(agreement.status === "missing-lists" && agreement.entries.map(({ position }) => position)).toEqual([3]);
    expect(tally(lacking, lacking.plan.witnesses).map(({ batch }) => batch)).toEqual([0, 1, 3]);
  });

  test("batches that the round does not have are nobody's", () => {
    const beyond = { ["03".repeat(32)]: [null, null, null, null, a] };
    const [name] = Object.keys(beyond);
    const odd = round({ witnesses: [0, 1, 2, 3].map((i) => witness(i, name, held)), lists: beyond });
    expect(agreedResults(odd)).toEqual({ status: "agreed", results: [] });
  });
});
