/** The instructions that these tests write by hand, and those of the IDL from which every client is generated, are the same. */
import { COORDINATOR_INSTRUCTIONS } from "@starling/programs/coordinatorCalls";
import { namedAccounts } from "@starling/programs/wire";
import { SYSTEM_PROGRAM } from "@starling/programs/harness";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

interface Idl {
  program: {
    instructions: {
      name: string;
      accounts: { name: string; isSigner: boolean; isWritable: boolean }[];
      arguments: { name: string; defaultValue?: { number: number } }[];
    }[];
  };
}

it("the IDL has the same instructions, numbers, accounts and flags", () => {
  const idl = JSON.parse(readFileSync(join(import.meta.dirname, "../../sdk/idl/coordinator.json"), "utf8")) as Idl;
  const ofIdl = idl.program.instructions.map(({ name, accounts, arguments: [discriminator] }) => ({
    name: snake(name),
    number: discriminator.defaultValue?.number,
    accounts: accounts.map((account) => `${role(account.isSigner, account.isWritable)}`),
  }));
  const everywhere = new Proxy({}, { get: () => SYSTEM_PROGRAM }) as Record<string, typeof SYSTEM_PROGRAM>;
  const ofTests = Object.entries(COORDINATOR_INSTRUCTIONS).map(([name, signature], number) => ({
    name,
    number,
    accounts: namedAccounts(signature, everywhere).map((account) => role(account.signer, account.writable)),
  }));
  expect(ofIdl).toEqual(ofTests);
});

function role(signer: boolean, writable: boolean): string {
  return `${signer ? "s" : "-"}${writable ? "w" : "-"}`;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
