/**
 * A chain of one process: LiteSVM with the three programs, keys, a clock in whole seconds and slot hashes. Everything is
 * synchronous; a transaction is signed for by every key of the ring that it names.
 */
import {
  type Address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransaction,
  createTransactionMessage,
  type EncodedAccount,
  getAddressDecoder,
  getTransactionEncoder,
  type Instruction,
  lamports,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
  type Transaction,
} from "@solana/kit";
import { PROGRAM_ERRORS } from "@starling/sdk/generated/programErrors";
import { type Account, FailedTransactionMetadata, LiteSVM } from "litesvm";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { programArtifact, type ProgramName } from "./artifacts.ts";
import { CRASHES, type CustomNames, readRefusal, type Refusal } from "./errorNames.ts";
import { type Key, Keyring } from "./keyring.ts";
import { addressBytes } from "./pda.ts";

export const MAX_TRANSACTION_BYTES = 1232;
export const SYSTEM_PROGRAM = "11111111111111111111111111111111" as Address;
export const SLOT_HASHES = "SysvarS1otHashes111111111111111111111111111" as Address;
const COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111" as Address;
const MAX_COMPUTE_UNITS = 1_400_000;
const LAMPORTS_EACH = 20_000_000_000n;
const BEGAN_SECONDS = 1_750_000_000n;
const BEGAN_SLOT = 1_000n;
/** Larger accounts are only those of our programs, which are all hashed, and programs themselves. */
const NAMED_BYTES = 4_096;

export interface Sent {
  readonly ok: true;
  /** of the last instruction alone, as its program's log line says */
  readonly computeUnits: number;
  readonly transactionBytes: number;
  readonly logs: readonly string[];
}
export interface Refused extends Refusal {
  readonly ok: false;
  readonly computeUnits: number;
  readonly transactionBytes: number;
  readonly logs: readonly string[];
}
export type Outcome = Sent | Refused;

export interface Programs {
  readonly coordinator: Address;
  readonly authorizer: Address;
  readonly treasurer: Address;
}

/** LiteSVM without its TypeScript shell, whose base58 takes most of the time of reading an account. */
interface RawSvm {
  getAccount(address: Uint8Array): Account | null;
  getProgramAccounts(program: Uint8Array): { address: Uint8Array; account(): Account }[];
}

export interface ChainOptions {
  /** of the keys' names; two chains of one seed have the same addresses */
  seed?: string;
  /** false: nobody's signature is checked, so that keys may be any bytes (the runtime's signer flags stay) */
  checkSignatures?: boolean;
}

export class Chain {
  readonly svm: LiteSVM;
  readonly keys: Keyring;
  readonly programs: Programs;
  /** pays every fee and nothing else, so that no test has to subtract fees */
  readonly feePayer: Key;
  /** hears every accepted transaction, and every move of the clock in seconds */
  onStep: ((step: Uint8Array | number) => void) | null = null;
  readonly #names: CustomNames;
  readonly #raw: RawSvm;
  readonly #addressBytes = new Map<Address, Uint8Array>();
  readonly #checkSignatures: boolean;
  #seconds = BEGAN_SECONDS;
  #slot = BEGAN_SLOT;

  constructor({ seed = "starling", checkSignatures = true }: ChainOptions = {}) {
    this.keys = new Keyring(seed);
    this.#checkSignatures = checkSignatures;
    this.svm = new LiteSVM().withTransactionHistory(0n).withSigverify(checkSignatures).withBlockhashCheck(false);
    this.#raw = (this.svm as unknown as { inner: RawSvm }).inner;
    const address = (name: ProgramName): Address => programArtifact(name).programId;
    this.programs = { coordinator: address("coordinator"), authorizer: address("authorizer"), treasurer: address("treasurer") };
    for (const name of Object.keys(this.programs) as ProgramName[]) {
      this.svm.addProgram(this.programs[name], readFileSync(programArtifact(name).path));
    }
    this.#names = (program, code) => {
      const found = (Object.keys(this.programs) as ProgramName[]).find((name) => this.programs[name] === program);
      return found && PROGRAM_ERRORS[found][code]?.name;
    };
    this.feePayer = this.funded("fee payer");
    this.advance(0);
  }

  /** The key of that name, with 20 SOL. */
  funded(name: string): Key {
    const key = this.keys.key(name);
    if (this.svm.getBalance(key.address) === null) this.svm.airdrop(key.address, lamports(LAMPORTS_EACH));
    return key;
  }

  get nowMs(): bigint {
    return this.#seconds * 1000n;
  }

  /** Moves the cluster's clock, and with it slot and slot hash. */
  advance(seconds: number): void {
    this.onStep?.(seconds);
    this.#seconds += BigInt(seconds);
    this.#slot += 1n;
    this.setSlotHash(createHash("sha256").update(`slot ${this.#slot}`).digest());
    this.#writeClock();
  }

  /** To `ms`, a whole second. */
  setTimeMs(ms: bigint): void {
    this.#seconds = ms / 1000n;
    this.#writeClock();
  }

  /** (32) what a tick finds as the newest slot hash */
  setSlotHash(hash: Uint8Array): void {
    this.svm.setSlotHashes([{ slot: this.#slot, hash: getAddressDecoder().decode(hash) }] as never);
  }

  #writeClock(): void {
    const clock = this.svm.getClock();
    clock.unixTimestamp = this.#seconds;
    clock.slot = this.#slot;
    this.svm.setClock(clock);
  }

  send(instructions: Instruction | readonly Instruction[], feePayer = this.feePayer): Outcome {
    const list = Array.isArray(instructions) ? (instructions as readonly Instruction[]) : [instructions as Instruction];
    const transaction = this.#signed([computeUnitLimit(), ...list], feePayer);
    const bytes = new Uint8Array(getTransactionEncoder().encode(transaction));
    if (bytes.length > MAX_TRANSACTION_BYTES) {
      throw new RangeError(`the transaction has ${bytes.length} bytes, more than ${MAX_TRANSACTION_BYTES}`);
    }
    const result = this.svm.sendTransaction(transaction);
    const isRefused = result instanceof FailedTransactionMetadata;
    const logs = isRefused ? result.meta().logs() : result.logs();
    const common = { computeUnits: unitsOf(logs), transactionBytes: bytes.length, logs };
    if (isRefused) return { ok: false, ...common, ...readRefusal(result, logs, this.#names) };
    this.onStep?.(bytes);
    return { ok: true, ...common };
  }

  /** Throws with the log unless the transaction is accepted. */
  mustSend(instructions: Instruction | readonly Instruction[]): Sent {
    const outcome = this.send(instructions);
    if (!outcome.ok) throw new Error(`refused: ${outcome.name}\n${outcome.logs.join("\n")}`);
    return outcome;
  }

  /**
   * Sends what must be refused, as a refusal and not as a crash, and proves that nothing changed: every account of the three
   * programs, and every account that the transaction names, but for the fee payer's fee. Returns the error's name.
   */
  mustRefuse(instructions: Instruction | readonly Instruction[]): string {
    const list = Array.isArray(instructions) ? (instructions as readonly Instruction[]) : [instructions as Instruction];
    const named = list.flatMap((instruction) => (instruction.accounts ?? []).map((account) => account.address));
    const before = this.fingerprint(named);
    const outcome = this.send(list);
    if (outcome.ok) throw new Error(`accepted, where a refusal was expected\n${outcome.logs.join("\n")}`);
    if (CRASHES.has(outcome.name)) throw new Error(`crashed: ${outcome.name}\n${outcome.logs.join("\n")}`);
    if (this.fingerprint(named) !== before) throw new Error(`refused with ${outcome.name}, yet an account changed`);
    return outcome.name;
  }

  /** Null where there is no account. */
  account(address: Address): EncodedAccount | null {
    const account = this.svm.getAccount(address);
    return account.exists ? account : null;
  }

  data(address: Address): Uint8Array {
    const account = this.#raw.getAccount(this.#bytesOf(address));
    if (account === null) throw new Error(`there is no account ${address}`);
    return account.data();
  }

  balance(address: Address): bigint {
    return this.svm.getBalance(address) ?? 0n;
  }

  /** Puts an account there, whatever the runtime would say. */
  write(address: Address, { owner, data, balance }: { owner: Address; data: Uint8Array; balance?: bigint }): void {
    const value = balance ?? this.rent(data.length);
    this.svm.setAccount({
      address,
      data,
      executable: false,
      lamports: lamports(value),
      programAddress: owner,
      space: BigInt(data.length),
    });
  }

  /** Of an account with so many bytes, in lamports. */
  rent(bytes: number): bigint {
    return this.svm.minimumBalanceForRentExemption(BigInt(bytes));
  }

  /** sha256 over all accounts of the three programs and those named, but the fee payer. */
  fingerprint(named: readonly Address[] = []): string {
    const hash = createHash("sha256");
    const take = (address: Uint8Array, account: Account): void => {
      hash.update(address).update(account.owner()).update(`${account.lamports()}`).update(account.data());
    };
    for (const program of Object.values(this.programs) as Address[]) {
      const accounts = this.#raw.getProgramAccounts(this.#bytesOf(program));
      for (const { address, account } of accounts
        .map((each) => ({ address: each.address, account: each.account() }))
        .sort((a, b) => Buffer.compare(a.address, b.address))) {
        take(address, account);
      }
    }
    for (const address of new Set(named)) {
      const bytes = this.#bytesOf(address);
      const account = address === this.feePayer.address ? null : this.#raw.getAccount(bytes);
      if (account && account.data().length < NAMED_BYTES) take(bytes, account);
    }
    return hash.digest("hex");
  }

  #bytesOf(address: Address): Uint8Array {
    let bytes = this.#addressBytes.get(address);
    if (!bytes) this.#addressBytes.set(address, (bytes = addressBytes(address)));
    return bytes;
  }

  #signed(instructions: readonly Instruction[], feePayer: Key): Transaction {
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (m) => setTransactionMessageFeePayer(feePayer.address, m),
      (m) =>
        setTransactionMessageLifetimeUsingBlockhash({ blockhash: this.svm.latestBlockhash() as Blockhash, lastValidBlockHeight: 0n }, m),
      (m) => appendTransactionMessageInstructions(instructions, m),
    );
    const { messageBytes, signatures } = compileTransaction(message);
    const signed = Object.keys(signatures).map((address) => {
      const key = this.keys.of(address as Address);
      if (key) return [address, key.sign(messageBytes as unknown as Uint8Array)];
      if (this.#checkSignatures) throw new Error(`no key of the ring signs for ${address}`);
      return [address, new Uint8Array(64).fill(1)];
    });
    return { messageBytes, signatures: Object.fromEntries(signed) } as Transaction;
  }
}

function computeUnitLimit(): Instruction {
  const data = new Uint8Array(5);
  data[0] = 2; // SetComputeUnitLimit
  new DataView(data.buffer).setUint32(1, MAX_COMPUTE_UNITS, true);
  return { programAddress: COMPUTE_BUDGET_PROGRAM, data };
}

/** Of the last instruction: the last program that reported at the outermost level. */
function unitsOf(logs: readonly string[]): number {
  for (const line of logs.toReversed()) {
    const match = /consumed (\d+) of \d+ compute units/.exec(line);
    if (match) return Number(match[1]);
  }
  return 0;
}
