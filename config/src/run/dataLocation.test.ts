import { describe, expect, test } from "vitest";
import { ConfigError } from "../errors.ts";
import { parseWeightedHttp } from "./dataLocation.ts";

const file = (name: string) => ({
  location: { SingleUrl: `https://example.org/${name}.bin` },
  token_size_in_bytes: "TwoBytes",
  shuffle: "DontShuffle",
});

describe("a WeightedHttp file", () => {
  test("in both of its forms", () => {
    const weighted = parseWeightedHttp(
      {
        shuffle: { Seeded: Array(32).fill(1) },
        providers: [
          [file("a"), 2.5],
          [file("b"), 1],
        ],
      },
      "w.json",
    );
    expect(weighted.providers.map(({ weight }) => weight)).toEqual([2.5, 1]);
    expect(weighted.providers[0]!.http.location).toEqual({ SingleUrl: "https://example.org/a.bin" });
    const byLength = parseWeightedHttp({ shuffle: "DontShuffle", providers: [file("a")] }, "w.json");
    expect(byLength).toMatchObject({ shuffle: "DontShuffle", providers: [{ weight: null }] });
  });

  test.each<[string, unknown, RegExp]>([
    ["no object", 7, /providers/],
    ["no shuffle", { providers: [file("a")] }, /shuffle/],
    ["no provider", { shuffle: "DontShuffle", providers: [] }, /1 to 256/],
    ["weight 0", { shuffle: "DontShuffle", providers: [[file("a"), 0]] }, /above 0/],
    ["a mixture of forms", { shuffle: "DontShuffle", providers: [[file("a"), 1], file("b")] }, /must have a weight/],
    ["a file url", { shuffle: "DontShuffle", providers: [{ ...file("a"), location: { SingleUrl: "file:///etc/passwd" } }] }, /http/],
  ])("is refused: %s", (_name, document, rule) => {
    expect(() => parseWeightedHttp(document, "w.json")).toThrow(ConfigError);
    expect(() => parseWeightedHttp(document, "w.json")).toThrow(rule);
  });
});
