/**
 * What an attacker changes of a good instruction without knowing it: each account, each flag, each byte of its length. Every
 * variant must be refused, with nothing changed and with an error of the right family; each is counted in the coverage table.
 */
import type { Address } from "@solana/kit";
import { createHash } from "node:crypto";
import type { Check, Coverage } from "./coverage.ts";
import { type Chain, SYSTEM_PROGRAM } from "./harness.ts";
import { addressOf } from "./pda.ts";
import { type Call, type NamedAccount, toInstruction } from "./wire.ts";

export interface AttackOptions {
  /** accounts by name of the same instruction for another run, each a real account; what a name lacks is not tried */
  otherRun?: Readonly<Record<string, Address>>;
  /** for an account another of its kind and run: another table, round, member, session */
  siblings?: Readonly<Record<string, Address>>;
  /** accounts that the instruction creates: they must be where they belong, and not exist */
  creates?: readonly string[];
  /** `check account` or `check` -> why that variant is accepted, and rightly so: it is not tried */
  allow?: Readonly<Record<string, string>>;
  /** shorter data is good too from so many bytes on (optional tails, lists) */
  shortestData?: number;
  /** longer data is good too: a list or text runs to the end */
  openEnd?: boolean;
}

/** Tries every generic variant of `good`, which must be acceptable as it is. Throws with the variant's name where one is not refused. */
export function attack(chain: Chain, coverage: Coverage, good: Call, options: AttackOptions = {}): void {
  new Attack(chain, coverage, good, options).run();
}

class Attack {
  readonly #chain: Chain;
  readonly #coverage: Coverage;
  readonly #good: Call;
  readonly #options: AttackOptions;

  constructor(chain: Chain, coverage: Coverage, good: Call, options: AttackOptions) {
    this.#chain = chain;
    this.#coverage = coverage;
    this.#good = good;
    this.#options = options;
  }

  run(): void {
    this.#signatures();
    this.#flags();
    this.#programAccounts();
    this.#createdAccounts();
    this.#fixedAddresses();
    this.#counts();
    this.#lengths();
  }

  #signatures(): void {
    const signers = this.#good.accounts.filter((account) => account.signer);
    if (signers.length === 0) {
      this.#cannot("missing signature", "anyone may send it; nobody signs but the fee payer");
      this.#cannot("wrong signer", "anyone may send it; nobody signs but the fee payer");
    }
    for (const account of signers) {
      this.#refuse("missing signature", account.name, this.#with(account, { signer: false }), ["MissingRequiredSignature", "NotSigner"]);
      const stranger = this.#chain.funded(`stranger instead of ${account.name}`);
      this.#refuse("wrong signer", account.name, this.#with(account, { address: stranger.address }));
    }
  }

  #flags(): void {
    const writable = this.#good.accounts.filter((account) => account.writable && account.name !== "spill");
    if (writable.length === 0) this.#cannot("not writable", "it writes no account");
    for (const account of writable) this.#refuse("not writable", account.name, this.#with(account, { writable: false }));
  }

  /** Each account of a program of ours under another owner, elsewhere, of another run, of another kind, gone. */
  #programAccounts(): void {
    const { otherRun = {}, siblings = {} } = this.#options;
    const owned = this.#good.accounts.filter((account) => this.#isOurs(account.address));
    if (owned.length === 0) {
      for (const check of ["wrong owner", "wrong kind", "uninitialised"] as const)
        this.#cannot(check, "it takes no existing account of ours");
    }
    for (const account of owned) {
      const { programAddress: owner, lamports: balance } = this.#chain.account(account.address)!;
      const data = this.#chain.data(account.address);
      const restore = (): void => this.#chain.write(account.address, { owner, data, balance });
      const altered = (check: Check, change: { owner?: Address; data?: Uint8Array }, what = account.name): void => {
        this.#chain.write(account.address, { owner, data, balance, ...change });
        try {
          this.#refuse(check, what, this.#good);
        } finally {
          restore();
        }
      };
      altered("wrong owner", { owner: someAddress("a foreign program") });
      altered("wrong kind", { data: withByte(data, 0, (data[0] % 6) + 1) });
      altered("wrong kind", { data: withByte(data, 1, 2) }, `the version of ${account.name}`);
      altered("wrong kind", { data: data.subarray(0, data.length - 8) }, `the size of ${account.name}`);
      altered("uninitialised", { data: new Uint8Array(data.length) });
      altered("uninitialised", { owner: SYSTEM_PROGRAM, data: new Uint8Array() });

      // Nobody can copy an account: a program alone writes what it owns. What anybody can make is one of zeros, assigned to it.
      const elsewhere = someAddress(`an account of zeros for ${account.name}`);
      this.#chain.write(elsewhere, { owner, data: new Uint8Array(data.length), balance });
      try {
        this.#refuse("wrong PDA", account.name, this.#with(account, { address: elsewhere }));
      } finally {
        this.#chain.write(elsewhere, { owner: SYSTEM_PROGRAM, data: new Uint8Array(), balance: 0n });
      }
      const sibling = siblings[account.name];
      if (sibling !== undefined) this.#refuse("wrong PDA", `a sibling of ${account.name}`, this.#with(account, { address: sibling }));
      const foreign = otherRun[account.name];
      if (foreign !== undefined) this.#refuse("wrong run", account.name, this.#with(account, { address: foreign }));
      for (const twin of owned) {
        if (twin.name === account.name) continue;
        this.#refuse("same account twice", `${twin.name} for ${account.name}`, this.#with(account, { address: twin.address }));
      }
    }
    if (owned.length < 2) this.#cannot("same account twice", "it takes fewer than two accounts of ours");
  }

  #createdAccounts(): void {
    const { creates = [], otherRun = {} } = this.#options;
    if (creates.length === 0) this.#cannot("already initialised", "it creates no account");
    for (const account of this.#good.accounts.filter(({ name }) => creates.includes(name))) {
      this.#refuse("wrong PDA", account.name, this.#with(account, { address: someAddress(`not the ${account.name}`) }));
      const foreign = otherRun[account.name];
      if (foreign !== undefined) this.#refuse("wrong run", account.name, this.#with(account, { address: foreign }));
      const data = new Uint8Array(64).fill(1);
      this.#chain.write(account.address, { owner: this.#good.program, data });
      try {
        this.#refuse("already initialised", account.name, this.#good);
      } finally {
        this.#chain.write(account.address, { owner: SYSTEM_PROGRAM, data: new Uint8Array(), balance: 0n });
      }
    }
  }

  /** Programs and sysvars: an account of the same content elsewhere is none. */
  #fixedAddresses(): void {
    const fixed = /^(system|slot_hashes|token_program|ata_program|coordinator_program)$/;
    for (const account of this.#good.accounts.filter(({ name }) => fixed.test(name))) {
      const copy = someAddress(`another ${account.name}`);
      const original = this.#chain.account(account.address);
      if (original) this.#chain.write(copy, { owner: original.programAddress, data: new Uint8Array(original.data) });
      this.#refuse("wrong PDA", account.name, this.#with(account, { address: copy }));
    }
  }

  #counts(): void {
    const { accounts } = this.#good;
    this.#refuse("missing account", "the last", { ...this.#good, accounts: accounts.slice(0, -1) });
    this.#refuse("missing account", "all", { ...this.#good, accounts: [] });
    const extra: NamedAccount = { name: "extra", address: someAddress("one too many"), signer: false, writable: false };
    this.#refuse("missing account", "one too many", { ...this.#good, accounts: [...accounts, extra] });
  }

  #lengths(): void {
    const { data } = this.#good;
    const shortest = this.#options.shortestData ?? data.length;
    // of long data: both ends, and some of what lies between
    for (let length = 1; length < shortest; length++) {
      if (length > 24 && shortest - length > 8 && length % 37 !== 0) continue;
      this.#refuse("truncated data", `${length} bytes`, { ...this.#good, data: data.subarray(0, length) });
    }
    this.#refuse("truncated data", "no data", { ...this.#good, data: new Uint8Array() });
    if (this.#options.openEnd) return;
    for (const more of [1, 8, 300]) {
      const longer = Buffer.concat([data, new Uint8Array(more).fill(1)]);
      this.#refuse("oversized data", `${more} more`, { ...this.#good, data: longer });
    }
  }

  #isOurs(address: Address): boolean {
    const owner = this.#chain.account(address)?.programAddress;
    return owner !== undefined && (Object.values(this.#chain.programs) as Address[]).includes(owner);
  }

  #with(account: NamedAccount, change: Partial<NamedAccount>): Call {
    return { ...this.#good, accounts: this.#good.accounts.map((a) => (a.name === account.name ? { ...a, ...change } : a)) };
  }

  #refuse(check: Check, what: string, call: Call, names?: readonly string[]): void {
    const { allow = {} } = this.#options;
    const reason = allow[`${check} ${what}`] ?? allow[check];
    if (reason !== undefined) return this.#cannot(check, reason);
    let name: string;
    try {
      name = this.#chain.mustRefuse(toInstruction(call));
    } catch (error) {
      throw new Error(`${this.#good.name}, ${check} (${what}): ${(error as Error).message}`, { cause: error });
    }
    if (names && !names.includes(name)) {
      throw new Error(`${this.#good.name}, ${check} (${what}): refused with ${name}, expected ${names.join(" or ")}`);
    }
    this.#coverage.count(this.#good.name, check);
  }

  #cannot(check: Check, reason: string): void {
    this.#coverage.cannot(this.#good.name, check, reason);
  }
}

function withByte(data: Uint8Array, at: number, value: number): Uint8Array {
  const changed = data.slice();
  changed[at] = value;
  return changed;
}

/** An address that nobody has a key of. */
export function someAddress(name: string): Address {
  return addressOf(createHash("sha256").update(name).digest());
}
