/** Instructions of the program `treasurer` as calls, and a run with a treasury made by them. */
import type { Address } from "@solana/kit";
import { type Chain, SYSTEM_PROGRAM } from "@starling/programs/harness";
import { addressBytes, findPda } from "@starling/programs/pda";
import { type Member, Scenario } from "@starling/programs/scenario";
import { type Call, key, namedAccounts, toInstruction, u16, u64, u8 } from "@starling/programs/wire";

export const TREASURER_INSTRUCTIONS = [
  "create_run",
  "forward",
  "create_participant",
  "claim",
  "top_up",
  "withdraw_surplus",
  "close_participant",
] as const;
type TreasurerInstruction = (typeof TREASURER_INSTRUCTIONS)[number];

export const TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA" as Address;
export const TOKEN_2022_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb" as Address;
export const ATA_PROGRAM = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL" as Address;
const FORWARDED_CHUNK_BYTES = 600;

export function ataAddress(owner: Address, mint: Address, tokenProgram: Address): Address {
  return findPda(ATA_PROGRAM, [addressBytes(owner), addressBytes(tokenProgram), addressBytes(mint)])[0];
}

/** A mint's first 82 bytes, with this supply and six decimals. */
export function mintBytes(extensions: Uint8Array = new Uint8Array()): Uint8Array {
  const base = new Uint8Array(extensions.length === 0 ? 82 : 166);
  base.set(u64(1_000_000_000_000n), 36);
  base[44] = 6;
  base[45] = 1;
  if (extensions.length > 0) base[165] = 1; // the kind of account: a mint
  return Buffer.concat([base, extensions]);
}

export interface TokenState {
  mint: Address;
  owner: Address;
  units: bigint;
  delegate?: Address;
  frozen?: boolean;
}

/** (165) a token account */
export function tokenBytes({ mint, owner, units, delegate, frozen = false }: TokenState): Uint8Array {
  const data = new Uint8Array(165);
  data.set(key(mint), 0);
  data.set(key(owner), 32);
  data.set(u64(units), 64);
  if (delegate !== undefined) {
    data[72] = 1;
    data.set(key(delegate), 76);
    data.set(u64(units), 121);
  }
  data[108] = frozen ? 2 : 1;
  return data;
}

export interface TreasuryAccount {
  mainAuthority: Uint8Array;
  coordinatorProgram: Uint8Array;
  run: Uint8Array;
  mint: Uint8Array;
  claimedPoints: bigint;
  claimedUnits: bigint;
  toppedUpUnits: bigint;
  closed: number;
}

export function readTreasury(data: Uint8Array): TreasuryAccount {
  const view = new DataView(data.buffer, data.byteOffset);
  return {
    mainAuthority: data.slice(8, 40),
    coordinatorProgram: data.slice(40, 72),
    run: data.slice(72, 104),
    mint: data.slice(104, 136),
    claimedPoints: view.getBigUint64(136, true),
    claimedUnits: view.getBigUint64(144, true),
    toppedUpUnits: view.getBigUint64(152, true),
    closed: data[160],
  };
}

/** A run whose authority is its treasury; nothing of it exists until `create`. */
export class TreasuryRun {
  readonly chain: Chain;
  readonly scenario: Scenario;
  readonly mint: Address;
  readonly tokenProgram: Address;
  readonly authority: Address;
  readonly treasury: Address;
  readonly vault: Address;

  constructor(chain: Chain, runId: string, { tokenProgram = TOKEN_PROGRAM, initMinClients = 2 } = {}) {
    this.chain = chain;
    this.scenario = new Scenario(chain, { runId, config: { initMinClients } });
    this.authority = this.scenario.creator.address;
    this.tokenProgram = tokenProgram;
    this.mint = chain.keys.key(`mint of ${runId}`).address;
    this.treasury = findPda(chain.programs.treasurer, ["treasury", addressBytes(this.scenario.at.run)])[0];
    this.vault = ataAddress(this.treasury, this.mint, tokenProgram);
    chain.write(this.mint, { owner: tokenProgram, data: mintBytes() });
  }

  participant(owner: Address): Address {
    return findPda(this.chain.programs.treasurer, ["participant", addressBytes(this.treasury), addressBytes(owner)])[0];
  }

  /** The associated token account of `owner`, with so many units in it. */
  fundToken(owner: Address, units: bigint): Address {
    const address = ataAddress(owner, this.mint, this.tokenProgram);
    this.chain.write(address, { owner: this.tokenProgram, data: tokenBytes({ mint: this.mint, owner, units }) });
    return address;
  }

  units(token: Address): bigint {
    const data = this.chain.data(token);
    return new DataView(data.buffer, data.byteOffset).getBigUint64(64, true);
  }

  read(): TreasuryAccount {
    return readTreasury(this.chain.data(this.treasury));
  }

  // instructions

  createRun(): Call {
    const inner = this.scenario.createRun();
    const own = "authority(s,w) treasury(w) mint vault(w) token_program ata_program system coordinator_program";
    const call = this.#call("create_run", own, [u8(0), inner.data.subarray(1)]);
    const payer = this.chain.funded("payer of runs").address;
    const theirs = inner.accounts.map((account) => (account.name === "payer" ? { ...account, address: payer } : account));
    return { ...call, accounts: [...call.accounts, ...theirs] };
  }

  /** One of the coordinator's calls, made for the run's authority. */
  forward(inner: Call): Call {
    const call = this.#call("forward", "authority(s) treasury(w) coordinator_program", [u8(1), inner.data]);
    const theirs = inner.accounts.map((account) =>
      account.name === "authority" ? { ...account, name: "treasury_as_authority", address: this.treasury, signer: false } : account,
    );
    return { ...call, accounts: [...call.accounts, ...theirs] };
  }

  createParticipant(owner: Address): Call {
    const payer = this.chain.funded("payer of participants").address;
    const accounts = { payer, owner, participant: this.participant(owner) };
    return this.#call("create_participant", "payer(s,w) owner treasury participant(w) system", [u8(2)], accounts);
  }

  claim(member: Member, points: bigint): Call {
    const owner = member.owner.address;
    const signature = "owner(s) treasury(w) participant(w) vault(w) owner_token(w) run(w) member(w) mint token_program coordinator_program";
    return this.#call("claim", signature, [u8(3), u64(points)], {
      owner,
      participant: this.participant(owner),
      owner_token: ataAddress(owner, this.mint, this.tokenProgram),
      member: member.memberAccount,
    });
  }

  topUp(from: Address, units: bigint): Call {
    const signature = "from_authority(s) from_token(w) treasury(w) vault(w) mint token_program run(w) coordinator_program";
    return this.#call("top_up", signature, [u8(4), u64(units)], {
      from_authority: from,
      from_token: ataAddress(from, this.mint, this.tokenProgram),
    });
  }

  /** A plain transfer to the vault, by the token program itself. */
  gift(from: Address, units: bigint): Call {
    const source = ataAddress(from, this.mint, this.tokenProgram);
    const accounts = namedAccounts("source(w) vault(w) from(s)", { source, vault: this.vault, from });
    return { name: "transfer", program: this.tokenProgram, accounts, data: Buffer.concat([u8(3), u64(units)]) };
  }

  withdrawSurplus(): Call {
    const authorityToken = ataAddress(this.authority, this.mint, this.tokenProgram);
    const signature = "authority(s,w) treasury(w) vault(w) authority_token(w) mint token_program";
    return this.#call("withdraw_surplus", signature, [u8(5)], { authority_token: authorityToken });
  }

  closeParticipant(owner: Address): Call {
    return this.#call("close_participant", "owner(s,w) treasury participant(w)", [u8(6)], { owner, participant: this.participant(owner) });
  }

  // a life

  send(call: Call): void {
    this.scenario.send(call);
  }

  /** Whether it was accepted. A refusal changes nothing. */
  sends(call: Call): boolean {
    const outcome = this.chain.send(toInstruction(call));
    return outcome.ok;
  }

  /** The run, its treasury and its vault; then configured, open to everybody, and started. */
  start(): this {
    this.send(this.createRun());
    this.scenario.allocate();
    const toml = new TextEncoder().encode(this.scenario.toml);
    for (let offset = 0; offset < toml.length; offset += FORWARDED_CHUNK_BYTES) {
      const chunk = toml.subarray(offset, offset + FORWARDED_CHUNK_BYTES);
      this.send(this.forward(this.scenario.call("write_config", [u16(offset), chunk])));
    }
    this.send(this.forward(this.scenario.updateConfig()));
    this.scenario.openToEverybody();
    this.send(this.forward(this.scenario.setPaused(false)));
    return this;
  }

  /** Somebody tops up. */
  donate(units: bigint): void {
    const donor = this.chain.funded("donor").address;
    this.fundToken(donor, units);
    this.send(this.topUp(donor, units));
  }

  /** Members 0 to `count` train one epoch, and its points are settled. */
  trainEpoch(count: number): Member[] {
    const { scenario } = this;
    const members = Array.from({ length: count }, (_, index) => scenario.member(index));
    for (const member of members) scenario.join(member);
    this.playEpoch();
    return members;
  }

  /** Those who have joined train one epoch, and its points are settled. */
  playEpoch(): void {
    const { scenario, chain } = this;
    chain.advance(3);
    scenario.tick();
    for (const slot of scenario.slots()) scenario.send(scenario.warmupWitness(slot));
    chain.advance(1);
    scenario.tick();
    scenario.playEpoch();
    scenario.settleAll();
  }

  /** The participant account and an empty token account of a member's owner. */
  enroll(member: Member): void {
    this.send(this.createParticipant(member.owner.address));
    this.fundToken(member.owner.address, 0n);
  }

  closeRun(spill = this.authority): Call {
    return this.forward(this.scenario.call("close_run", [], { spill }));
  }

  #call(name: TreasurerInstruction, signature: string, data: readonly Uint8Array[], more: Readonly<Record<string, Address>> = {}): Call {
    const addresses = {
      ...this.scenario.at,
      authority: this.authority,
      treasury: this.treasury,
      mint: this.mint,
      vault: this.vault,
      token_program: this.tokenProgram,
      ata_program: ATA_PROGRAM,
      system: SYSTEM_PROGRAM,
      coordinator_program: this.chain.programs.coordinator,
      ...more,
    };
    return { name, program: this.chain.programs.treasurer, accounts: namedAccounts(signature, addresses), data: Buffer.concat(data) };
  }
}

/** The call with other accounts under the same names. */
export function withAccounts(call: Call, addresses: Readonly<Record<string, Address>>): Call {
  return { ...call, accounts: call.accounts.map((account) => ({ ...account, address: addresses[account.name] ?? account.address })) };
}
