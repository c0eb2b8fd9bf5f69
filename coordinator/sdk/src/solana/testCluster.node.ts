/** For tests: a local cluster in this process (Surfpool) with the three programs, and a run on it. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import {
  type Address,
  createKeyPairSignerFromPrivateKeyBytes,
  generateKeyPairSigner,
  type KeyPairSigner,
  type TransactionSigner,
} from "@solana/kit";
import { sha256 } from "../bytes.ts";
import type { Identity } from "../identity.ts";
import { encodeConfig } from "../stateCodec.ts";
import type { MachineConfig } from "../types.ts";
import { ClusterClient } from "./clusterClient.ts";
import { createGrant, setGrantActive } from "./grants.ts";
import { allocate, createRun, openSession, refuel, setPaused, updateConfig, writeConfig } from "./instructions.ts";
import { CHAIN_LIMITS } from "./limits.ts";
import { LOCAL_PROGRAMS, PUBLIC_GRANTEE, type RunAddresses, runAddresses } from "./pdas.ts";
import { TransactionSender } from "./transactions.ts";

interface Surfnet {
  readonly rpcUrl: string;
  readonly wsUrl: string;
  fundSol(address: string, lamports: number): void;
  deploy(program: { programId: string; soPath: string }): void;
  drainEvents(): unknown[];
  stop(): void;
}

const SOL = 1_000_000_000;
const EVENTS_MS = 1_000;

export class TestCluster {
  readonly rpcUrl: string;
  readonly wsUrl: string;
  readonly client: ClusterClient;
  readonly sender: TransactionSender;
  readonly #surfnet: Surfnet;
  readonly #draining: NodeJS.Timeout;

  private constructor(surfnet: Surfnet) {
    this.#surfnet = surfnet;
    this.rpcUrl = surfnet.rpcUrl;
    this.wsUrl = surfnet.wsUrl;
    this.client = new ClusterClient({ rpcUrls: [surfnet.rpcUrl], wsUrls: [surfnet.wsUrl] });
    this.sender = new TransactionSender(this.client, LOCAL_PROGRAMS);
    // its events pile up until they are taken
    this.#draining = setInterval(() => surfnet.drainEvents(), EVENTS_MS);
  }

  static start(): TestCluster {
    const module = createRequire(import.meta.url)("@solana/surfpool-linux-x64-gnu") as {
      Surfnet: { startWithConfig(config: object): Surfnet };
    };
    const surfnet = module.Surfnet.startWithConfig({ offline: true, slotTimeMs: 400, blockProductionMode: "clock" });
    for (const [name, programId] of Object.entries(LOCAL_PROGRAMS)) {
      const soPath = fileURLToPath(new URL(`../../../programs/artifacts/${name}.so`, import.meta.url));
      surfnet.deploy({ programId: programId as string, soPath });
    }
    return new TestCluster(surfnet);
  }

  /** A fresh key with 10 SOL. */
  async funded(): Promise<KeyPairSigner> {
    const signer = await generateKeyPairSigner();
    this.fund(signer.address);
    return signer;
  }

  fund(address: Address, sol = 10): void {
    this.#surfnet.fundSol(address, sol * SOL);
  }

  async stop(): Promise<void> {
    clearInterval(this.#draining);
    await this.client.close();
    this.#surfnet.stop();
  }

  /** A run of `authority` that anybody may join, not yet started. */
  async createRun(authority: TransactionSigner, runId: string, toml: string, config: MachineConfig): Promise<RunAddresses> {
    const at = await runAddresses(LOCAL_PROGRAMS, runId);
    const own = { mainAuthority: authority.address, joinAuthority: authority.address };
    await this.sender.send([await createRun(LOCAL_PROGRAMS, authority, { runId, name: runId, ...own })], authority);
    const grows = Array.from({ length: 5 }, () => [allocate(at, authority, 0), allocate(at, authority, 1)]).flat();
    await this.sender.send(grows, authority);
    const text = new TextEncoder().encode(toml);
    for (let offset = 0; offset < text.length; offset += CHAIN_LIMITS.configChunkBytes) {
      const piece = text.subarray(offset, offset + CHAIN_LIMITS.configChunkBytes);
      await this.sender.send([writeConfig(at, authority, offset, piece)], authority);
    }
    const applied = { tomlLen: text.length, tomlSha256: sha256(text), machineConfig: encodeConfig(config) };
    const grant = [
      await createGrant(LOCAL_PROGRAMS, authority, authority, PUBLIC_GRANTEE),
      await setGrantActive(LOCAL_PROGRAMS, authority, PUBLIC_GRANTEE, true),
    ];
    await this.sender.send([updateConfig(at, authority, applied), ...grant], authority);
    return at;
  }

  async setPaused(at: RunAddresses, authority: TransactionSigner, paused: boolean): Promise<void> {
    await this.sender.send([setPaused(at, authority, paused)], authority);
  }

  /** Opens the identity's session, paid by its owner. Returns the session key. */
  async openSession(at: RunAddresses, identity: Identity, validMs = 3_600_000): Promise<KeyPairSigner> {
    const owner = await createKeyPairSignerFromPrivateKeyBytes(identity.owner.seed);
    const session = await createKeyPairSignerFromPrivateKeyBytes(identity.secrets().sessionSeed);
    this.fund(owner.address);
    const peer = await createKeyPairSignerFromPrivateKeyBytes(identity.peer.seed);
    const terms = { expiresMs: BigInt(Date.now() + validMs), floatLamports: 10_000_000n };
    const fill = await refuel(at, session, CHAIN_LIMITS.sessionKeyLamports);
    await this.sender.send([await openSession(at, owner, session, peer, terms), fill], owner);
    return session;
  }
}
