/** The program `authorizer`: who lets whom do what. */
import { arrayTypeNode, programNode, remainderCountNode, stringTypeNode } from "@codama/nodes";
import { type AccountSpec, bytes, error, type ErrorSpec, instruction, type InstructionSpec, key, state, text, u64, u8 } from "./nodes.ts";

const payer: AccountSpec = ["payer", "sw", "pays rent and fee"];
const grant: AccountSpec = ["grant", "w", "the grant"];
const grantor: AccountSpec = ["grantor", "s", "who grants"];
const system: AccountSpec = ["systemProgram", "", "the system program"];

const instructions: InstructionSpec[] = [
  {
    name: "create",
    discriminator: 0,
    docs: "Creates an inactive grant. The grantee 11111111111111111111111111111111 is everybody.",
    accounts: [payer, grantor, grant, system],
    arguments: { grantee: key, scope: text },
  },
  { name: "setActive", discriminator: 1, docs: "Turns a grant on (1) or off (0).", accounts: [grantor, grant], arguments: { active: u8 } },
  {
    name: "setDelegates",
    discriminator: 2,
    docs: "The grantee names keys that may use its grant; `clear` 1 forgets the present ones first. At most 32.",
    accounts: [payer, ["grantee", "s", "who holds the grant"], grant, system],
    arguments: { clear: u8, delegates: arrayTypeNode(key, remainderCountNode()) },
  },
  {
    name: "close",
    discriminator: 3,
    docs: "Closes an inactive grant without delegates, or one untouched for 30 days.",
    accounts: [grantor, grant, ["spill", "w", "gets the rent"]],
  },
];

const grantState = state({
  name: "grant",
  kind: 1,
  docs: "A grant of a scope to a grantee and its delegates.",
  seeds: [
    "grant",
    ["grantor", key, "who grants"],
    ["grantee", key, "who holds it"],
    ["scope", stringTypeNode("utf8"), "what for, 1 to 32 bytes"],
  ],
  fields: {
    grantor: key,
    grantee: key,
    scope: bytes(32),
    updatedMs: u64,
    active: u8,
    delegatesLen: u8,
    padding: bytes(6),
    delegates: arrayTypeNode(key, remainderCountNode()),
  },
});

export function authorizerProgram(publicKey: string, errors: readonly ErrorSpec[]) {
  return programNode({
    name: "authorizer",
    publicKey,
    version: "1.0.0",
    docs: ["Grants: a grantor lets a grantee and its delegates use a scope."],
    instructions: instructions.map(instruction),
    accounts: [grantState.account],
    pdas: [grantState.pda],
    errors: errors.map(error),
  });
}
