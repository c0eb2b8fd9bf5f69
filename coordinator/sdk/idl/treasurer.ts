/** The program `treasurer`: pays a run's points in tokens, and is the run's main authority on behalf of its creator. */
import { programNode } from "@codama/nodes";
import { CREATE_RUN_ARGUMENTS } from "./coordinator.ts";
import { type AccountSpec, bytes, error, type ErrorSpec, instruction, type InstructionSpec, key, rest, state, u64, u8 } from "./nodes.ts";

const treasury: AccountSpec = ["treasury", "w", "the run's treasury"];
const readTreasury: AccountSpec = ["treasury", "", "the run's treasury"];
const vault: AccountSpec = ["vault", "w", "the treasury's token account"];
const mint: AccountSpec = ["mint", "", "what is paid out"];
const token: AccountSpec = ["tokenProgram", "", "the mint's token program"];
const system: AccountSpec = ["systemProgram", "", "the system program"];
const coordinator: AccountSpec = ["coordinatorProgram", "", "the coordinator program"];
const participant: AccountSpec = ["participant", "w", "what the owner has claimed here"];

const instructions: InstructionSpec[] = [
  {
    name: "createRun",
    discriminator: 0,
    docs: "Creates a run whose main authority is its treasury, with the treasury and its vault.",
    accounts: [
      ["authority", "sw", "creator of the run; pays"],
      treasury,
      mint,
      vault,
      token,
      ["associatedTokenProgram", "", "the associated token program"],
      system,
      coordinator,
      ["payer", "sw", "pays the rent of the run's accounts"],
      ["run", "w", "the run's hot account"],
      ["config", "w", "the run's texts and configuration"],
      ["table0", "w", "epoch table 0"],
      ["table1", "w", "epoch table 1"],
      ...[0, 1, 2, 3].map((i): AccountSpec => [`round${i}`, "w", `round ${i} of the ring`]),
      ["rentSystemProgram", "", "the system program once more, for the coordinator"],
    ],
    arguments: CREATE_RUN_ARGUMENTS,
  },
  {
    name: "forward",
    discriminator: 1,
    docs: "Passes one instruction on to the coordinator with the treasury as the run's authority: write_config, update_config, update_metadata, set_paused, set_future_epoch_rates or close_run.",
    accounts: [["authority", "s", "creator of the run"], treasury, coordinator],
    arguments: { data: rest },
    remaining: { name: "accounts", use: "w", docs: "accounts of that instruction" },
  },
  {
    name: "createParticipant",
    discriminator: 2,
    docs: "Creates the account that counts what an owner has claimed.",
    accounts: [["payer", "sw", "pays rent and fee"], ["owner", "", "who will claim"], readTreasury, participant, system],
  },
  {
    name: "claim",
    discriminator: 3,
    docs: "Pays points of the owner from the vault to its own token account.",
    accounts: [
      ["owner", "s", "who earned the points"],
      treasury,
      participant,
      vault,
      ["ownerToken", "w", "the owner's token account"],
      ["run", "w", "the run's hot account"],
      ["member", "w", "the owner's lifetime account"],
      mint,
      token,
      coordinator,
    ],
    arguments: { points: u64 },
  },
  {
    name: "topUp",
    discriminator: 4,
    docs: "Moves tokens into the vault; epochs to come may promise as many points.",
    accounts: [
      ["fromAuthority", "s", "owner of the tokens"],
      ["fromToken", "w", "where they come from"],
      ...[treasury, vault, mint, token],
      ["run", "w", "the run's hot account"],
      coordinator,
    ],
    arguments: { units: u64 },
  },
  {
    name: "withdrawSurplus",
    discriminator: 5,
    docs: "After the run is closed: what is left goes to its creator; vault and treasury are closed.",
    accounts: [["authority", "sw", "creator of the run"], treasury, vault, ["authorityToken", "w", "gets the tokens"], mint, token],
  },
  {
    name: "closeParticipant",
    discriminator: 6,
    docs: "Gives the rent of a participant back to its owner, once the treasury's run is closed.",
    accounts: [["owner", "sw", "who claimed; gets the rent"], readTreasury, participant],
  },
];

const states = [
  state({
    name: "treasury",
    kind: 1,
    docs: "A run's treasury. 1 point = 1 base unit of the mint.",
    seeds: ["treasury", ["run", key, "address of the run"]],
    fields: {
      mainAuthority: key,
      coordinatorProgram: key,
      run: key,
      mint: key,
      claimedPoints: u64,
      claimedUnits: u64,
      toppedUpUnits: u64,
      closed: u8,
      padding: bytes(7),
    },
  }),
  state({
    name: "participant",
    kind: 2,
    docs: "What an owner has claimed from a treasury.",
    seeds: ["participant", ["treasury", key, "address of the treasury"], ["owner", key, "the owner"]],
    fields: { treasury: key, owner: key, claimedPoints: u64 },
  }),
];

export function treasurerProgram(publicKey: string, errors: readonly ErrorSpec[]) {
  return programNode({
    name: "treasurer",
    publicKey,
    version: "1.0.0",
    docs: ["Pays a run's points in tokens."],
    instructions: instructions.map(instruction),
    accounts: states.map((s) => s.account),
    pdas: states.map((s) => s.pda),
    errors: errors.map(error),
  });
}
