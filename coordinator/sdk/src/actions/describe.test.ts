import { AccountRole, generateKeyPairSigner, getAddressEncoder, type Address, type Instruction, type TransactionSigner } from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";
import { beforeAll, describe as suite, expect, test } from "vitest";
import { closeGrant, createGrant, setDelegates, setGrantActive } from "../solana/grants.ts";
import * as run from "../solana/instructions.ts";
import { LOCAL_PROGRAMS, PUBLIC_GRANTEE, type RunAddresses, runAddresses } from "../solana/pdas.ts";
import { createTokenAccount, TOKEN_PROGRAM_ADDRESS } from "../solana/tokens.ts";
import * as treasury from "../solana/treasury.ts";
import { describe } from "./describe.ts";

let me: TransactionSigner;
let session: TransactionSigner;
let peer: TransactionSigner;
let mint: Address;
let at: RunAddresses;
beforeAll(async () => {
  [me, session, peer] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner(), generateKeyPairSigner()]);
  mint = (await generateKeyPairSigner()).address;
  at = await runAddresses(LOCAL_PROGRAMS, "demo");
});

const words = (instruction: Instruction): string[] => describe([instruction], LOCAL_PROGRAMS, new Map([[mint, 6]]));

suite("what a person signs, in words", () => {
  test("amounts have their unit, and keys are named", async () => {
    const collateral = { mint, tokenProgram: TOKEN_PROGRAM_ADDRESS };
    const terms = { expiresMs: BigInt(Date.UTC(2030, 0, 2, 3, 4)), floatLamports: 50_000_000n };
    const rows: [Instruction, string | RegExp][] = [
      [await treasury.claim(at, me, collateral, 1_500_000n), `Receive 1.5 tokens of ${mint} from the run's treasury`],
      [await treasury.topUp(at, me, collateral, 1n), `Move 0.000001 tokens of ${mint} from your token account to the run's treasury`],
      [
        await treasury.withdrawSurplus(at, me, collateral),
        `Move all that is left in the treasury in token ${mint} to the token account ${await treasury.tokenAddress(me.address, collateral)}, and close it`,
      ],
      [
        await run.openSession(at, me, session, peer, terms),
        `Let the session key ${session.address} train for you in this run until 2030-01-02 03:04 UTC, with 0.05 SOL for its fees, which come back as far as they are not spent`,
      ],
      [await run.closeSession(at, me, me.address, session.address), `Close a session; what it holds goes back to ${me.address}`],
      [
        getTransferSolInstruction({ source: session, destination: me.address, amount: 2_990_000n }),
        `Move 0.00299 SOL from ${session.address} to ${me.address}`,
      ],
      [run.fund(at, me, 12n), /can pay 12 points more/],
      [run.closeRun(at, me, me.address), `Close the run for good; the deposits of its accounts go to ${me.address}`],
      [await run.closeMember(at, me), `Close the membership; its deposit and its bond go back to ${me.address}`],
      [await run.depositBond(at, me, 250_000_000n), /^Deposit a bond of 0\.25 SOL/],
      [run.setFutureEpochRates(at, me, 7n, 3n), /pay 7 points an epoch.* take 3 points/],
      [run.writeConfig(at, me, 700, new Uint8Array(50)), "Store bytes 700 to 750 of the run's configuration"],
      [
        run.updateMetadata(at, me, {
          name: "n\u00e4",
          joinAuthority: getAddressEncoder().encode(peer.address) as Uint8Array,
          minBondLamports: 1n,
        }),
        `Change what the run is shown with: name "n\u00e4", join authority (who decides about joining) ${peer.address}, minimum bond 0.000000001 SOL`,
      ],
      [run.updateMetadata(at, me, { vocabSize: 256n }), "Change what the run is shown with: vocabulary size 256"],
      [await createGrant(LOCAL_PROGRAMS, me, me, PUBLIC_GRANTEE), /for everyone; not active yet$/],
      [await setGrantActive(LOCAL_PROGRAMS, me, peer.address, true), "Put a permission to join your runs into force"],
      [
        await setDelegates(LOCAL_PROGRAMS, me, me, peer.address, [session.address], { clear: true }),
        `Forget the keys that may join by your permission, then let these keys join by your permission: ${session.address}`,
      ],
      [
        await closeGrant(LOCAL_PROGRAMS, me, peer.address, me.address),
        `Delete a permission to join your runs; its deposit goes to ${me.address}`,
      ],
      [
        createTokenAccount({ payer: me, ata: peer.address, owner: me.address, ...collateral }),
        `Open an account of token ${mint} for ${me.address}, where there is none yet`,
      ],
    ];
    for (const [instruction, expected] of rows) {
      const [line, ...more] = words(instruction);
      expect(more).toEqual([]);
      if (typeof expected === "string") expect(line).toBe(expected);
      else expect(line).toMatch(expected);
    }
  });

  test("through a treasury it is what the run is told, with the right place for the money", async () => {
    const by = await treasury.asAuthority(LOCAL_PROGRAMS, me, peer.address, (authority) => run.closeRun(at, authority, session.address));
    expect(words(by)).toEqual([`Close the run for good; the deposits of its accounts go to ${session.address}`]);
    const paused = await treasury.asAuthority(LOCAL_PROGRAMS, me, peer.address, (authority) => run.setPaused(at, authority, false));
    expect(words(paused)).toEqual(["Start the run, or let it go on"]);
    const collateral = { mint, tokenProgram: TOKEN_PROGRAM_ADDRESS };
    const created = { runId: "demo", mainAuthority: me.address, joinAuthority: peer.address, minBondLamports: 1_000_000_000n };
    expect(words(await treasury.createRunWithTreasury(LOCAL_PROGRAMS, me, created, collateral))).toEqual([
      `Create run "demo", which ${peer.address} lets people into; members need a bond of 1 SOL; its rewards are paid in token ${mint}`,
    ]);
  });

  test("an amount of a token whose decimals nobody read is told in base units", async () => {
    const instruction = await treasury.claim(at, me, { mint, tokenProgram: TOKEN_PROGRAM_ADDRESS }, 12n);
    expect(describe([instruction], LOCAL_PROGRAMS)).toEqual([`Receive 12 base units of token ${mint} from the run's treasury`]);
  });

  test("equal lines are told once; what is not known is said to be so, never left out", () => {
    const grow = run.allocate(at, me, 0);
    expect(describe([grow, grow, grow], LOCAL_PROGRAMS)).toEqual([expect.stringMatching(/\(3 times\)$/)]);
    const foreign: Instruction = {
      programAddress: peer.address,
      data: Uint8Array.of(9, 9),
      accounts: [{ address: me.address, role: AccountRole.WRITABLE_SIGNER }],
    };
    expect(words(foreign)).toEqual([`Call the program ${peer.address} with 2 bytes that this version does not know`]);
    expect(words({ programAddress: LOCAL_PROGRAMS.coordinator, data: Uint8Array.of(255) })[0]).toContain('"coordinator"');
    expect(words({ programAddress: LOCAL_PROGRAMS.treasurer, data: grow.data!.slice(0, 0) })[0]).toContain('"treasurer"');
    // cut short: said to be unreadable, not thrown
    const cut = run.setFutureEpochRates(at, me, 1n, 1n);
    expect(words({ ...cut, data: cut.data!.slice(0, 5) })[0]).toContain("cannot be read");
  });
});
