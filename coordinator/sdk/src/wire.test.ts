import { encode } from "cborg";
import { describe, expect, it } from "vitest";
import { CoordinatorError } from "./errors.ts";
import { boolean, bytes, bytesUpTo, decodeAs, encodeAs, integer, list, nullable, oneOf, type Shape, struct, text, u64 } from "./wire.ts";

describe("wire shapes", () => {
  it("bring a value back as it was", () => {
    const shape = struct({
      key: bytes(2),
      blob: bytesUpTo(3),
      name: text(4),
      kind: oneOf(["a", "b"]),
      count: integer(9),
      wide: u64,
      yes: boolean,
      none: nullable(text(1)),
      items: list(integer(1), 2),
    });
    const value = {
      key: new Uint8Array([1, 2]),
      blob: new Uint8Array(0),
      name: "näme",
      kind: "b" as const,
      count: 9,
      wide: (1n << 64n) - 1n,
      yes: false,
      none: null,
      items: [0, 1],
    };
    expect(decodeAs(shape, encodeAs(shape, value), "value")).toEqual(value);
    expect(decodeAs(u64, encodeAs(u64, 5n), "small")).toBe(5n);
  });

  const refused: [string, Shape<unknown>, unknown][] = [
    ["a key that is too long", bytes(2), new Uint8Array(3)],
    ["a key that is text", bytes(2), "ab"],
    ["bytes over their bound", bytesUpTo(2), new Uint8Array(3)],
    ["text over its bound", text(3), "abcd"],
    ["a choice that is not one", oneOf(["a"]), "b"],
    ["an integer over its bound", integer(9), 10],
    ["a negative integer", integer(9), -1],
    ["a fraction", integer(9), 1.5],
    ["a negative u64", u64, -1n],
    ["a number for a boolean", boolean, 1],
    ["a list that is too long", list(integer(9), 1), [1, 2]],
    ["a list's wrong item", list(integer(9), 3), [1, "2"]],
    ["a missing field", struct({ a: integer(1), b: integer(1) }), { a: 1 }],
    ["a field too many", struct({ a: integer(1) }), { a: 1, b: 1 }],
    ["another field", struct({ a: integer(1) }), { b: 1 }],
    ["a list for a map", struct({ a: integer(1) }), [1]],
  ];
  it.each(refused)("refuse %s", (_, shape, value) => {
    expect(() => decodeAs(shape, encode(value), "value")).toThrow(CoordinatorError);
  });

  it.each([
    ["nothing", []],
    ["bytes after the value", [0x01, 0x01]],
    ["a length that is not there", [0x5a, 0xff, 0xff, 0xff, 0xff]],
    ["a list longer than its bytes", [0x9a, 0xff, 0xff, 0xff, 0xff]],
    ["an indefinite list", [0x9f, 0x01, 0xff]],
    ["an integer in more bytes than it needs", [0x18, 0x01]],
    ["a key twice", [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x01]],
    ["a list nested 10,000 deep", Array.from({ length: 10_000 }, () => 0x81)],
  ])("refuse CBOR that is %s", (_, encoded) => {
    const anything: Shape<unknown> = { check: (value) => value };
    expect(() => decodeAs(anything, new Uint8Array(encoded), "value")).toThrow(CoordinatorError);
  });

  it("name the place, what was expected and what came", () => {
    const shape = struct({ rows: list(struct({ key: bytes(32) }), 2) });
    expect(() => decodeAs(shape, encode({ rows: [{ key: new Uint8Array(3) }] }), "join")).toThrow(
      "join.rows[0].key: expected 32 bytes, got 3 bytes",
    );
  });
});
