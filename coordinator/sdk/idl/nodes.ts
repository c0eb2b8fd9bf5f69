/** Short names for the Codama nodes that the three programs' IDLs are made of. Build time only: nothing that runs imports this folder. */
import {
  accountNode,
  argumentValueNode,
  arrayTypeNode,
  bytesTypeNode,
  bytesValueNode,
  constantDiscriminatorNode,
  constantPdaSeedNodeFromString,
  constantValueNode,
  errorNode,
  fieldDiscriminatorNode,
  fixedSizeTypeNode,
  type InstructionAccountNode,
  type InstructionArgumentNode,
  instructionAccountNode,
  instructionArgumentNode,
  type InstructionNode,
  instructionNode,
  instructionRemainingAccountsNode,
  numberTypeNode,
  numberValueNode,
  pdaLinkNode,
  pdaNode,
  publicKeyTypeNode,
  publicKeyValueNode,
  remainderCountNode,
  sizePrefixTypeNode,
  stringTypeNode,
  structFieldTypeNode,
  structTypeNode,
  type TypeNode,
  variablePdaSeedNode,
} from "@codama/nodes";

export const u8 = numberTypeNode("u8");
export const u16 = numberTypeNode("u16");
export const u32 = numberTypeNode("u32");
export const u64 = numberTypeNode("u64");
export const key = publicKeyTypeNode();
export const bytes = (length: number): TypeNode => fixedSizeTypeNode(bytesTypeNode(), length);
/** All bytes that are left. */
export const rest: TypeNode = bytesTypeNode();
/** u16 length, then UTF-8. */
export const text: TypeNode = sizePrefixTypeNode(stringTypeNode("utf8"), numberTypeNode("u16"));
/** u16 values to the end of the data. */
export const u16s: TypeNode = arrayTypeNode(numberTypeNode("u16"), remainderCountNode());

const PROGRAMS = {
  systemProgram: "11111111111111111111111111111111",
  rentSystemProgram: "11111111111111111111111111111111",
  associatedTokenProgram: "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
  tokenProgram: "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
  slotHashes: "SysvarS1otHashes111111111111111111111111111",
} as const;

/** How an account is used: "" read, "w" written, "s" signs, "sw" both. */
export type Use = "" | "w" | "s" | "sw";

/** `name`, use, what it is. */
export type AccountSpec = readonly [name: string, use: Use, docs: string];

export function account([name, use, docs]: AccountSpec): InstructionAccountNode {
  const known = name in PROGRAMS ? PROGRAMS[name as keyof typeof PROGRAMS] : undefined;
  return instructionAccountNode({
    name,
    isSigner: use.includes("s"),
    isWritable: use.includes("w"),
    docs: [docs],
    ...(known && { defaultValue: publicKeyValueNode(known) }),
  });
}

export interface InstructionSpec {
  name: string;
  discriminator: number;
  docs: string;
  accounts: readonly AccountSpec[];
  arguments?: Readonly<Record<string, TypeNode>>;
  /** accounts after the named ones, as an argument of that name */
  remaining?: { name: string; use: "" | "w"; docs: string };
}

export function instruction(spec: InstructionSpec): InstructionNode {
  const discriminator: InstructionArgumentNode = instructionArgumentNode({
    name: "discriminator",
    type: u8,
    defaultValue: numberValueNode(spec.discriminator),
    defaultValueStrategy: "omitted",
  });
  return instructionNode({
    name: spec.name,
    docs: [spec.docs],
    accounts: spec.accounts.map(account),
    arguments: [discriminator, ...Object.entries(spec.arguments ?? {}).map(([name, type]) => instructionArgumentNode({ name, type }))],
    discriminators: [fieldDiscriminatorNode("discriminator")],
    ...(spec.remaining && {
      remainingAccounts: [
        instructionRemainingAccountsNode(argumentValueNode(spec.remaining.name), {
          isWritable: spec.remaining.use === "w",
          docs: [spec.remaining.docs],
        }),
      ],
    }),
  });
}

export interface StateSpec {
  name: string;
  kind: number;
  docs: string;
  fields: Readonly<Record<string, TypeNode>>;
  seeds: readonly SeedSpec[];
}

/** A literal, or a variable with its type. */
export type SeedSpec = string | readonly [name: string, type: TypeNode, docs: string];

/** An account of a program: the common header of 8 bytes, then its fields. */
export function state(spec: StateSpec) {
  const header = [
    structFieldTypeNode({ name: "kind", type: u8, defaultValue: numberValueNode(spec.kind), defaultValueStrategy: "omitted" }),
    structFieldTypeNode({ name: "version", type: u8, defaultValue: numberValueNode(1), defaultValueStrategy: "omitted" }),
    structFieldTypeNode({ name: "bump", type: u8 }),
    structFieldTypeNode({ name: "index", type: u8, docs: ["which table (0, 1) or round (0 to 3); else 0"] }),
    structFieldTypeNode({
      name: "headerPadding",
      type: bytes(4),
      defaultValue: bytesValueNode("base16", "00000000"),
      defaultValueStrategy: "omitted",
    }),
  ];
  const fields = Object.entries(spec.fields).map(([name, type]) =>
    name.endsWith("padding") || name.endsWith("Padding")
      ? structFieldTypeNode({
          name,
          type,
          defaultValue: bytesValueNode("base16", "00".repeat((type as { size: number }).size)),
          defaultValueStrategy: "omitted",
        })
      : structFieldTypeNode({ name, type }),
  );
  return {
    account: accountNode({
      name: spec.name,
      docs: [spec.docs],
      data: structTypeNode([...header, ...fields]),
      discriminators: [constantDiscriminatorNode(constantValueNode(bytes(2), bytesValueNode("base16", hex([spec.kind, 1]))), 0)],
      pda: pdaLinkNode(spec.name),
    }),
    pda: pdaNode({ name: spec.name, seeds: spec.seeds.map(seed), docs: [spec.docs] }),
  };
}

function seed(spec: SeedSpec) {
  return typeof spec === "string" ? constantPdaSeedNodeFromString("utf8", spec) : variablePdaSeedNode(spec[0], spec[1], spec[2]);
}

function hex(values: readonly number[]): string {
  return values.map((value) => value.toString(16).padStart(2, "0")).join("");
}

export interface ErrorSpec {
  code: number;
  name: string;
  message: string;
}

export const error = (spec: ErrorSpec) => errorNode({ code: spec.code, name: spec.name, message: spec.message });
