/** The program `coordinator`: what an IDL can say of it. The machine's own structs stay bytes here: `stateCodec.ts` reads them. */
import { programNode, stringTypeNode } from "@codama/nodes";
import {
  type AccountSpec,
  bytes,
  error,
  type ErrorSpec,
  instruction,
  type InstructionSpec,
  key,
  rest,
  state,
  text,
  u16,
  u16s,
  u32,
  u64,
  u8,
} from "./nodes.ts";

const utf8 = stringTypeNode("utf8");

const run: AccountSpec = ["run", "w", "the run's hot account"];
const runRead: AccountSpec = ["run", "", "the run's hot account"];
const config: AccountSpec = ["config", "w", "the run's texts and configuration"];
const table: AccountSpec = ["table", "w", "table of the running epoch (Run.table)"];
const tableRead: AccountSpec = ["table", "", "table of the running epoch (Run.table)"];
const table0: AccountSpec = ["table0", "w", "epoch table 0"];
const table1: AccountSpec = ["table1", "w", "epoch table 1"];
const round: AccountSpec = ["round", "w", "the round of the present height: rounds[height % 4]"];
const rounds: AccountSpec[] = [0, 1, 2, 3].map((i) => [`round${i}`, "w", `round ${i} of the ring`]);
const payer: AccountSpec = ["payer", "sw", "pays rent and fee"];
const authority: AccountSpec = ["authority", "s", "the run's main authority"];
const sessionKey: AccountSpec = ["sessionKey", "s", "session key of the member"];
const owner: AccountSpec = ["owner", "sw", "owner of the membership: earns, pays rent"];
const member: AccountSpec = ["member", "w", "the owner's lifetime account"];
const memberRead: AccountSpec = ["member", "", "the owner's lifetime account"];
const session: AccountSpec = ["session", "w", "the open session"];
const authorization: AccountSpec = ["authorization", "", "the grant that lets the owner in"];
const system: AccountSpec = ["systemProgram", "", "the system program"];

export const CREATE_RUN_ARGUMENTS = {
  runId: text,
  name: text,
  description: text,
  clientVersion: text,
  mainAuthority: key,
  joinAuthority: key,
  authorizerProgram: key,
  minBondLamports: u64,
};

const instructions: InstructionSpec[] = [
  {
    name: "createRun",
    discriminator: 0,
    docs: "Creates a run's accounts; its configuration follows.",
    accounts: [payer, run, config, table0, table1, ...rounds, system],
    arguments: CREATE_RUN_ARGUMENTS,
  },
  {
    name: "allocate",
    discriminator: 1,
    docs: "Grows an epoch table by at most 10,240 bytes towards its full size. Anyone may.",
    accounts: [payer, runRead, table, system],
    arguments: { tableIndex: u8 },
  },
  {
    name: "writeConfig",
    discriminator: 2,
    docs: "Stages a piece of the configuration's TOML text.",
    accounts: [authority, run, config],
    arguments: { offset: u16, data: rest },
  },
  {
    name: "updateConfig",
    discriminator: 3,
    docs: "Takes the staged TOML text, and the machine's configuration that was made of it, into use.",
    accounts: [authority, run, config, table0, table1],
    arguments: { tomlLen: u16, tomlSha256: bytes(32), machineConfig: bytes(104) },
  },
  {
    name: "updateMetadata",
    discriminator: 4,
    docs: "Changes texts and limits: flags (1 name, 2 description, 4 client version, 8 parameters, 16 vocabulary, 32 join authority, 64 minimal bond), then those present in that order.",
    accounts: [authority, run, config],
    arguments: { flags: u8, fields: rest },
  },
  {
    name: "setPaused",
    discriminator: 5,
    docs: "Pauses (1) or resumes (0) a run; the first resume starts it.",
    accounts: [authority, run, table0, table1],
    arguments: { paused: u8 },
  },
  {
    name: "setFutureEpochRates",
    discriminator: 6,
    docs: "Points shared by the members of an epoch, and points lost by an ejected one, from the next epoch on.",
    accounts: [authority, run],
    arguments: { earningRate: u64, slashingRate: u64 },
  },
  {
    name: "openSession",
    discriminator: 7,
    docs: "The owner's one signature: opens a session key with a float for fees, and the owner's member account where there is none.",
    accounts: [
      owner,
      ["sessionKey", "sw", "session key; gets no lamports here"],
      ["peer", "s", "the peer id: its key signs, so that nobody takes another's"],
      ...[runRead, session, member, system],
    ],
    arguments: { expiresMs: u64, floatLamports: u64 },
  },
  {
    name: "closeSession",
    discriminator: 8,
    docs: "Ends a session and gives its lamports to the owner: the owner at once, anyone after its expiry.",
    accounts: [["closer", "s", "the owner, or anyone after the expiry"], ["owner", "w", "gets the lamports"], run, table0, table1, session],
  },
  {
    name: "refuel",
    discriminator: 9,
    docs: "Moves lamports from the session's float to the session key, up to a balance of 0.003 SOL there.",
    accounts: [["sessionKey", "sw", "session key; gets the lamports"], session],
    arguments: { lamports: u64 },
  },
  {
    name: "joinRun",
    discriminator: 10,
    docs: "Puts the session's member among those of the next epoch.",
    accounts: [sessionKey, run, table0, table1, session, member, authorization],
    arguments: { chainHead: bytes(32), addresses: text },
  },
  { name: "leaveRun", discriminator: 11, docs: "Leaves the run.", accounts: [sessionKey, run, table0, table1] },
  {
    name: "tick",
    discriminator: 12,
    docs: "Makes the machine do what is due. Anyone may; nothing due changes nothing.",
    accounts: [run, table0, table1, round, ["slotHashes", "", "sysvar: hashes of recent slots"]],
  },
  {
    name: "warmupWitness",
    discriminator: 13,
    docs: "This member is ready to train.",
    accounts: [sessionKey, run, tableRead],
    arguments: { slot: u16 },
  },
  {
    name: "witness",
    discriminator: 14,
    docs: "An elected witness attests a round. `extra` is a Bloom filter of 512 bytes and metadata of up to 200, which the program does not read.",
    accounts: [sessionKey, run, table, round],
    arguments: { slot: u16, step: u32, bitmap: bytes(32), listRoot: bytes(32), reveal: bytes(32), parameterHash: bytes(32), extra: rest },
  },
  {
    name: "downloaded",
    discriminator: 15,
    docs: "A witness holds the named lists and what they agree on.",
    accounts: [sessionKey, run, tableRead],
    arguments: { slot: u16, step: u32, listsHeld: u32 },
  },
  {
    name: "healthCheck",
    discriminator: 16,
    docs: "Names at most 16 members who stopped taking part.",
    accounts: [sessionKey, run, table],
    arguments: { slot: u16, targets: u16s },
  },
  {
    name: "reportEquivocation",
    discriminator: 17,
    docs: "A witness holds two commitments of one member for one batch.",
    accounts: [sessionKey, run, table0, table1],
    arguments: { slot: u16, target: u16 },
  },
  {
    name: "checkpoint",
    discriminator: 18,
    docs: "Says where the parameters of an agreed hash are stored.",
    accounts: [sessionKey, run, tableRead, ["session", "", "the open session: says that it is neither closed nor expired"]],
    arguments: { slot: u16, hash: bytes(32), location: text },
  },
  {
    name: "settle",
    discriminator: 19,
    docs: "Moves the points of at most 20 slots to their members. Anyone may; a settled slot is skipped.",
    accounts: [run, table],
    arguments: { tableIndex: u8, slots: u16s },
    remaining: { name: "members", use: "w", docs: "member accounts, in the order of `slots`" },
  },
  {
    name: "enforceGrant",
    discriminator: 20,
    docs: "Ends the membership of an owner whose grant no longer lets it in, with the epoch. Anyone may.",
    accounts: [run, table0, table1, memberRead, authorization],
  },
  {
    name: "depositBond",
    discriminator: 21,
    docs: "Locks lamports as the owner's bond.",
    accounts: [owner, runRead, member, system],
    arguments: { lamports: u64 },
  },
  {
    name: "withdrawBond",
    discriminator: 22,
    docs: "First call starts unbonding, the second, a whole epoch later, pays.",
    accounts: [owner, run, table0, table1, member],
    arguments: { lamports: u64 },
  },
  {
    name: "recordClaim",
    discriminator: 23,
    docs: "Marks points of a member as claimed.",
    accounts: [authority, run, member],
    arguments: { points: u64 },
  },
  {
    name: "closeRun",
    discriminator: 24,
    docs: "Closes a halted, settled run; all rent goes to `spill`.",
    accounts: [authority, ["spill", "w", "gets the rent"], run, config, table0, table1, ...rounds],
  },
  {
    name: "closeMember",
    discriminator: 25,
    docs: "Closes a member account with nothing left in it.",
    accounts: [owner, runRead, member, ["table0", "", "epoch table 0"], ["table1", "", "epoch table 1"]],
  },
  {
    name: "fund",
    discriminator: 26,
    docs: "The authority can pay so many points more. From the first call on epochs promise no more than is funded.",
    accounts: [authority, run],
    arguments: { points: u64 },
  },
];

const states = [
  state({
    name: "run",
    kind: 1,
    docs: "A run's hot account: the only one that every client watches. `machine` holds the machine's Run.",
    seeds: ["run", ["runId", utf8, "the run's id, at most 32 bytes"]],
    fields: {
      mainAuthority: key,
      joinAuthority: key,
      authorizerProgram: key,
      nonce: u64,
      minBondLamports: u64,
      createdMs: u64,
      configSha256: bytes(32),
      unclaimedPoints: u64,
      unpromisedPoints: u64,
      machine: rest,
    },
  }),
  state({
    name: "config",
    kind: 2,
    docs: "A run's texts (zero padded) and its configuration.",
    seeds: ["config", ["run", key, "address of the run"]],
    fields: {
      run: key,
      tomlLen: u16,
      stagedLen: u16,
      lengthPadding: bytes(4),
      name: bytes(64),
      description: bytes(280),
      clientVersion: bytes(96),
      numParameters: u64,
      vocabSize: u64,
      toml: bytes(8192),
    },
  }),
  state({
    name: "epochTable",
    kind: 3,
    docs: "Slots of the members of every other epoch. `machine` holds the machine's EpochTable.",
    seeds: ["table", ["run", key, "address of the run"], ["index", u8, "0 or 1"]],
    fields: { run: key, machine: rest },
  }),
  state({
    name: "round",
    kind: 4,
    docs: "Reports of a round. `machine` holds the machine's RoundDetail, then 1,024 bytes for verdicts.",
    seeds: ["round", ["run", key, "address of the run"], ["index", u8, "0 to 3"]],
    fields: { run: key, machine: rest },
  }),
  state({
    name: "member",
    kind: 5,
    docs: "An owner's lifetime in a run: points and bond.",
    seeds: ["member", ["run", key, "address of the run"], ["owner", key, "the owner"]],
    fields: {
      run: key,
      runCreatedMs: u64,
      owner: key,
      grant: key,
      earned: u64,
      slashed: u64,
      claimed: u64,
      bondLamports: u64,
      unbondingLamports: u64,
      unbondingEpoch: u16,
      ejected: u8,
      padding: bytes(5),
    },
  }),
  state({
    name: "session",
    kind: 6,
    docs: "An open session. Lamports above the rent are its float.",
    seeds: ["session", ["run", key, "address of the run"], ["session", key, "the session key"]],
    fields: {
      run: key,
      runCreatedMs: u64,
      owner: key,
      session: key,
      peerId: bytes(32),
      expiresMs: u64,
      addressesLen: u16,
      addressesPadding: bytes(6),
      addresses: bytes(400),
    },
  }),
];

export function coordinatorProgram(publicKey: string, errors: readonly ErrorSpec[]) {
  return programNode({
    name: "coordinator",
    publicKey,
    version: "1.0.0",
    docs: ["The state machine of training runs, with its members, sessions, points and bonds."],
    instructions: instructions.map(instruction),
    accounts: states.map((s) => s.account),
    pdas: states.map((s) => s.pda),
    errors: errors.map(error),
  });
}
