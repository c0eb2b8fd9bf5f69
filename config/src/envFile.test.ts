import { expect, test } from "vitest";
import { mergeEnvironment, parseEnvFile } from "./envFile.ts";
import { ConfigError } from "./errors.ts";

test("every way to write a variable", () => {
  const text = [
    "# a comment",
    "",
    "RPC=http://127.0.0.1:8899 # the primary",
    "export WS_RPC = ws://127.0.0.1:8900",
    "RPC_2='http://rig:8899/#key'",
    'WS_RPC_2="wss://rig/?a=\\"b\\"\\\\"  # quoted',
    "RAW_WALLET_PRIVATE_KEY=[1,2, 3]",
    "EMPTY=",
    "TWICE=1",
    "TWICE=2",
    "  INDENTED=yes  ",
    'LINES="a\\nb"',
    "HASH=a#b",
    "EQUALS=a=b",
  ];
  const wanted = {
    RPC: "http://127.0.0.1:8899",
    WS_RPC: "ws://127.0.0.1:8900",
    RPC_2: "http://rig:8899/#key",
    WS_RPC_2: 'wss://rig/?a="b"\\',
    RAW_WALLET_PRIVATE_KEY: "[1,2, 3]",
    EMPTY: "",
    TWICE: "2",
    INDENTED: "yes",
    LINES: "a\nb",
    HASH: "a#b",
    EQUALS: "a=b",
  };
  for (const end of ["\n", "\r\n", "\r"]) expect(parseEnvFile(`\uFEFF${text.join(end)}`, ".env")).toEqual(wanted);
});

test("lines that are none are all named, and no value is shown", () => {
  try {
    parseEnvFile('GOOD=1\nno assignment\n1BAD=2\nKEY=\'secret\nKEY2="secret" secret\n', ".env");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { issues, message } = error as ConfigError;
    expect(issues.map((one) => one.key)).toEqual([".env line 2", ".env line 3", ".env line 4", ".env line 5"]);
    expect(message).not.toContain("secret");
  }
});

test("the process's environment wins where it says anything", () => {
  expect(mergeEnvironment({ A: "1", B: "", C: undefined }, { A: "2", B: "2", C: "2", D: "2" })).toEqual({ A: "1", B: "2", C: "2", D: "2" });
});
