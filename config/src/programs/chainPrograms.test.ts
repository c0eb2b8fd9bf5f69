import { describe, expect, test } from "vitest";
import { parseOptions } from "../defineOptions.ts";
import { programs } from "../programs.ts";

const KEY = "7CWRb3Hjvh7ds5sfWCBxg13Z9YPBi1EdDEcs6KDznoxn";

function parse(line: string, env: Record<string, string> = {}): Record<string, unknown> {
  const [verb = "", ...argv] = line.split(" ");
  const program = programs.find((one) => one.verb === verb);
  if (!program) throw new Error(`no verb ${verb}`);
  return parseOptions(program.options, argv, env);
}

describe("commands of documents 001 and 003", () => {
  const common = "--rpc http://127.0.0.1:8899 --run-id RUN --wallet-private-key-path key.json";
  test.each([
    [`can-join --run-id RUN --authorizer ${KEY} --pubkey ${KEY}`, { runId: "RUN", authorizer: KEY, address: KEY }],
    [`treasurer-claim-rewards ${common}`, { rpc: "http://127.0.0.1:8899", walletPrivateKeyPath: "key.json" }],
    [`create-run ${common} --join-authority ${KEY}`, { joinAuthority: KEY, treasurerCollateralMint: undefined }],
    [`create-run ${common} --join-authority ${KEY} --treasurer-collateral-mint ${KEY}`, { treasurerCollateralMint: KEY }],
    [`update-config ${common} --config-path config.toml`, { configPath: "config.toml" }],
    [`set-paused ${common} --resume`, { resume: true }],
    [`set-future-epoch-rates ${common} --earning-rate 100 --slashing-rate 0.5`, { earningRate: "100", slashingRate: "0.5" }],
    [`treasurer-top-up-rewards ${common} --collateral-amount 1000.5`, { collateralAmount: "1000.5" }],
    ["json-info-dump --rpc http://127.0.0.1:8899 --run-id RUN", { runId: "RUN" }],
  ])("%s", (line, expected) => expect(parse(line)).toMatchObject(expected));
});

describe("newer names of the existing system", () => {
  test.each([
    [
      `set-future-epoch-rates -r RUN -w key --earning-rate-total-shared 1 --slashing-rate-per-client 2`,
      { earningRate: "1", slashingRate: "2" },
    ],
    [`create-run -r RUN -c v1 -w key --treasurer-index 7`, { clientVersion: "v1", treasurerIndex: "7" }],
    [`can-join -r RUN --wallet ${KEY}`, { address: KEY }],
    [`json-dump-user -r RUN --user ${KEY}`, { address: KEY }],
    [
      `join-authorization-delegate -w k --join-authority ${KEY} --delegates-clear --delegates-added ${KEY} ${KEY}`,
      { delegatesClear: true, delegatesAdded: [KEY, KEY] },
    ],
    ["checkpoint -r RUN --repo org/model --revision main --identity-secret-key-path id", { location: "org/model", revision: "main" }],
    ["tick -r RUN --ms-interval 500 --count 3", { msInterval: 500, count: 3 }],
  ])("%s", (line, expected) => expect(parse(line)).toMatchObject(expected));
});

test("an environment of document 001 is enough", () => {
  const env = {
    RPC: '"https://a.example/?key=1"',
    WS_RPC: "wss://a.example",
    RPC_2: "'https://b.example'",
    WS_RPC_2: "wss://b.example",
    RUN_ID: "RUN",
    AUTHORIZER: KEY,
    RAW_WALLET_PRIVATE_KEY: "[1,2,3]",
    NAME: "a host's name",
  };
  expect(parse("can-join", env)).toMatchObject({
    rpc: "https://a.example/?key=1",
    wsRpc: "wss://a.example",
    rpc2: "https://b.example",
    wsRpc2: "wss://b.example",
    runId: "RUN",
    authorizer: KEY,
    rawWalletPrivateKey: "[1,2,3]",
  });
  expect(parse("treasurer-claim-rewards", { RUN_ID: "RUN", WALLET_PATH: "key.json" })).toMatchObject({ walletPrivateKeyPath: "key.json" });
  expect(parse("create-run", env)).toMatchObject({ name: undefined });
});

test.each([
  ["create-run -r RUN --rpc ftp://a", "must be an http:// or https:// url"],
  ["create-run -r RUN --ws-rpc http://a", "must be a ws:// or wss:// url"],
  ["create-run", "--run-id: is required"],
  ["create-run -r RUN --join-authority 0x00", "must be a Solana address"],
  [`create-run -r RUN --join-authority ${KEY.slice(2)}`, "it stands for 31 bytes, and an address has 32"],
  ["create-run -r RUN --join-authority 111111111111111111111111111111111", "it stands for 33 bytes"],
  [`join-authorization-delegate --join-authority ${KEY} --delegates-added ${KEY},${KEY.slice(2)}`, "it stands for 31 bytes"],
  [`train -r RUN --session-float 0.2`, "must be more than 0 and at most 0.1 SOL"],
  ["create-run -r RUN --min-bond -1", "must be a decimal number"],
  ["create-run -r RUN --raw-wallet-private-key [1]", "is not a known option"],
  ["treasurer-top-up-rewards -r RUN", "--collateral-amount: is required"],
  ["treasurer-top-up-rewards -r RUN --collateral-amount 1e3", "must be a decimal number"],
  ["set-paused -r RUN --treasurer-index x", "must be a whole number"],
  ["checkpoint -r RUN --location l --identity-secret-key-path i --hash 12", "must be 64 hex digits"],
])("%s is refused", (line, why) => expect(() => parse(line)).toThrow(why));
