/**
 * Puts a program on a cluster: a buffer account, its chunks, then deploy or upgrade. The buffer's address follows from wallet, program
 * and bytes, so what was cut off goes on where it stopped, and what is there already is not made again.
 */
import { createHash } from "node:crypto";
import {
  createAddressWithSeed,
  getAddressDecoder,
  getAddressEncoder,
  type Address,
  type Instruction,
  type KeyPairSigner,
} from "@solana/kit";
import { getCreateAccountInstruction, getCreateAccountWithSeedInstruction } from "@solana-program/system";
import { HostError } from "../errors.ts";
import {
  BUFFER_HEADER_BYTES,
  DATA_HEADER_BYTES,
  deployWithMaxDataLen,
  extendProgram,
  initializeBuffer,
  LOADER_ADDRESS,
  PROGRAM_BYTES,
  programDataAddress,
  upgrade,
  upgradeAuthority,
  write,
} from "./loader.ts";
import type { Sender } from "./sender.ts";

/** what fits a transaction beside one signature and three addresses */
const CHUNK_BYTES = 900;
const LAMPORTS_PER_SIGNATURE = 5_000n;
/** a node may answer from a state before the last writes: looked at again, then written again */
const WRITE_PASSES = 5;

export interface ProgramFile {
  name: string;
  /** its address is the program's id */
  key: KeyPairSigner;
  /** the .so */
  bytes: Uint8Array;
}

export interface DeployPlan {
  type: "there" | "deploy" | "upgrade";
  programId: Address;
  /** bytes that the program's data account lacks; only of an upgrade */
  missingBytes: number;
  chunksLeft: number;
  /** stays in the program's accounts, beyond what is in them already */
  rentLamports: bigint;
  feeLamports: bigint;
}

/** What there is to do for a program, and what it costs. Errors: HostError chain. */
export async function planDeploy(sender: Sender, { name, key, bytes }: ProgramFile): Promise<DeployPlan> {
  const programId = key.address;
  const [program, data, buffer] = await Promise.all([
    readAccount(sender, programId),
    programDataAddress(programId).then((at) => readAccount(sender, at)),
    bufferOf(sender, programId, bytes).then(({ at }) => readAccount(sender, at)),
  ]);
  const chunksLeft = missingChunks(bytes, buffer?.data.subarray(BUFFER_HEADER_BYTES) ?? null).length;
  const feeLamports = BigInt(chunksLeft + 4) * LAMPORTS_PER_SIGNATURE;
  if (program === null) {
    const rentLamports = (await rent(sender, PROGRAM_BYTES)) + (await rent(sender, DATA_HEADER_BYTES + bytes.length));
    return { type: "deploy", programId, missingBytes: 0, chunksLeft, rentLamports, feeLamports };
  }
  if (program.owner !== LOADER_ADDRESS || data === null) {
    throw new HostError(
      "chain",
      `${name}: ${programId} is an account of ${program.owner}, not a program that can be upgraded: use another key`,
    );
  }
  const there = data.data.subarray(DATA_HEADER_BYTES);
  if (equal(there.subarray(0, bytes.length), bytes) && there.subarray(bytes.length).every((byte) => byte === 0)) {
    return { type: "there", programId, missingBytes: 0, chunksLeft: 0, rentLamports: 0n, feeLamports: 0n };
  }
  const authority = upgradeAuthority(data.data);
  const owner = authority === null ? null : getAddressDecoder().decode(authority);
  if (owner !== sender.payer.address) {
    const who = owner === null ? "nobody may change it any more" : `only ${owner} may change it, this wallet is ${sender.payer.address}`;
    throw new HostError("chain", `${name}: another version is deployed at ${programId}, and ${who}`);
  }
  const missingBytes = Math.max(0, bytes.length - there.length);
  const size = data.data.length;
  const rentLamports = missingBytes === 0 ? 0n : (await rent(sender, size + missingBytes)) - (await rent(sender, size));
  return { type: "upgrade", programId, missingBytes, chunksLeft, rentLamports, feeLamports };
}

/** Does what is left to do. Errors: HostError chain; the same call again goes on where this one stopped. */
export async function deploy(
  sender: Sender,
  program: ProgramFile,
  onProgress: (chunks: number, of: number) => void = () => undefined,
): Promise<DeployPlan> {
  const plan = await planDeploy(sender, program);
  if (plan.type === "there") return plan;
  const { bytes, key } = program;
  const payer = sender.payer;
  const buffer = await bufferOf(sender, plan.programId, bytes);
  if ((await readAccount(sender, buffer.at)) === null) {
    const space = BUFFER_HEADER_BYTES + bytes.length;
    await sender.send([
      getCreateAccountWithSeedInstruction({
        payer,
        newAccount: buffer.at,
        base: payer.address,
        baseAccount: payer,
        seed: buffer.seed,
        amount: await rent(sender, space),
        space,
        programAddress: LOADER_ADDRESS,
      }),
      initializeBuffer(buffer.at, payer.address),
    ]);
  }
  await writeChunks(sender, buffer.at, bytes, onProgress);
  if (plan.type === "deploy") {
    await sender.send([
      getCreateAccountInstruction({
        payer,
        newAccount: key,
        lamports: await rent(sender, PROGRAM_BYTES),
        space: PROGRAM_BYTES,
        programAddress: LOADER_ADDRESS,
      }),
      await deployWithMaxDataLen(plan.programId, buffer.at, payer.address, bytes.length),
    ]);
  } else {
    if (plan.missingBytes > 0) {
      await sender.send([await extendProgram(plan.programId, payer.address, plan.missingBytes)]);
      // the loader refuses two changes of one program in a slot
      await sender.nextSlot();
    }
    await sender.send([await upgrade(plan.programId, buffer.at, payer.address)]);
  }
  return plan;
}

async function writeChunks(
  sender: Sender,
  buffer: Address,
  bytes: Uint8Array,
  onProgress: (chunks: number, of: number) => void,
): Promise<void> {
  const of = Math.ceil(bytes.length / CHUNK_BYTES);
  for (let pass = 0; pass < WRITE_PASSES; pass++) {
    const there = await readAccount(sender, buffer);
    const missing = missingChunks(bytes, there?.data.subarray(BUFFER_HEADER_BYTES) ?? null);
    if (missing.length === 0) return;
    const instructions = missing.map((offset): Instruction[] => [
      write(buffer, sender.payer.address, offset, bytes.subarray(offset, offset + CHUNK_BYTES)),
    ]);
    await sender.sendAll(instructions, (done) => onProgress(of - missing.length + done, of));
  }
  throw new HostError(
    "chain",
    `the buffer ${buffer} does not take the program's bytes: run the same command again, it goes on where it stopped`,
  );
}

/** Offsets of the chunks that `there` does not hold yet. */
function missingChunks(bytes: Uint8Array, there: Uint8Array | null): number[] {
  const offsets = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) => i * CHUNK_BYTES);
  return offsets.filter((at) => there === null || !equal(there.subarray(at, at + CHUNK_BYTES), bytes.subarray(at, at + CHUNK_BYTES)));
}

/** The account in which a wallet collects these bytes for this program. */
export async function bufferOf(sender: Sender, programId: Address, bytes: Uint8Array): Promise<{ at: Address; seed: string }> {
  const hash = createHash("sha256").update(new Uint8Array(getAddressEncoder().encode(programId)));
  const seed = hash.update(bytes).digest("hex").slice(0, 32);
  return { at: await createAddressWithSeed({ baseAddress: sender.payer.address, programAddress: LOADER_ADDRESS, seed }), seed };
}

export async function rent(sender: Sender, bytes: number): Promise<bigint> {
  return sender.ask((rpc, abortSignal) => rpc.getMinimumBalanceForRentExemption(BigInt(bytes)).send({ abortSignal }));
}

async function readAccount(sender: Sender, at: Address): Promise<{ owner: Address; data: Uint8Array } | null> {
  const { value } = await sender.ask((rpc, abortSignal) =>
    rpc.getAccountInfo(at, { encoding: "base64", commitment: "confirmed" }).send({ abortSignal }),
  );
  return value === null ? null : { owner: value.owner, data: Buffer.from(value.data[0], "base64") };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
