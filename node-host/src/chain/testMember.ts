/** Members of a run for tests: they sign what daemons sign, and hold whatever is asked of them, but train nothing. */
import { createHash } from "node:crypto";
import {
  createKeyPairSignerFromPrivateKeyBytes,
  generateKeyPairSigner,
  type Address,
  type Instruction,
  type KeyPairSigner,
} from "@solana/kit";
import { downloaded, joinRun, openSession, tick, warmupWitness, witness } from "@starling/sdk/solana/instructions";
import type { Chain } from "@starling/sdk/actions/chain";
import { currentTable, heightOf, ownerOf, requireRun, runStateOf, type OnChainRun } from "@starling/sdk/actions/run";

const LINKS = 64;
const FLOAT_LAMPORTS = 10_000_000n;
const SESSION_MS = 3_600_000;

export class TestMember {
  readonly owner: KeyPairSigner;
  readonly session: KeyPairSigner;
  /** (32) */
  readonly sessionSeed: Uint8Array;
  /** link 0 is committed to; each message reveals the next */
  readonly #links: Uint8Array[];
  #revealed = 0;

  private constructor(owner: KeyPairSigner, session: KeyPairSigner, sessionSeed: Uint8Array) {
    this.sessionSeed = sessionSeed;
    this.owner = owner;
    this.session = session;
    const links = [new Uint8Array(createHash("sha256").update(session.address).digest())];
    while (links.length < LINKS) links.push(new Uint8Array(createHash("sha256").update(links.at(-1)!).digest()));
    this.#links = links.reverse();
  }

  static async create(owner: KeyPairSigner): Promise<TestMember> {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    return new TestMember(owner, await createKeyPairSignerFromPrivateKeyBytes(seed), seed);
  }

  async join(chain: Chain, runId: string, grant: Address): Promise<void> {
    const { at } = await requireRun(chain, runId);
    const peer = await generateKeyPairSigner();
    const terms = {
      expiresMs: BigInt(Date.now() + SESSION_MS),
      floatLamports: FLOAT_LAMPORTS,
    };
    const joining = { chainHead: this.#links[0]!, multiaddrs: ["/ip4/127.0.0.1/tcp/4001"] };
    const instructions = [
      await openSession(at, this.owner, this.session, peer, terms),
      await joinRun(at, this.session, this.owner.address, grant, joining),
    ];
    await chain.send(instructions, this.owner, "open a session and join");
  }

  nextReveal(): Uint8Array {
    this.#revealed++;
    return this.#links[this.#revealed]!;
  }
}

const HASH = new Uint8Array(createHash("sha256").update("parameters").digest());

/** Does what is due of all members, each phase in one transaction, until `isOver`; `chain.signal` ends it earlier. */
export async function playRun(
  chain: Chain,
  runId: string,
  members: readonly TestMember[],
  payer: KeyPairSigner,
  isOver: (run: OnChainRun) => boolean,
): Promise<OnChainRun> {
  for (;;) {
    chain.signal.throwIfAborted();
    const run = await requireRun(chain, runId);
    if (isOver(run)) return run;
    await chain.send([...messages(run, members), tick(run.at, heightOf(run))], payer, `do what is due in ${runStateOf(run)}`);
  }
}

function messages(run: OnChainRun, members: readonly TestMember[]): Instruction[] {
  const { state, at } = run;
  if (state === null) return [];
  const round = state.rounds.at(-1);
  const table = currentTable(run);
  return state.clients.flatMap((client): Instruction[] => {
    const member = members.find(({ owner }) => owner.address === ownerOf(client));
    if (!member || client.state !== "Healthy") return [];
    const where = { table, height: heightOf(run), slot: client.index };
    const mine = round?.witnesses.find(({ clientIndex }) => clientIndex === client.index);
    switch (state.runState) {
      case "Warmup":
        return state.warmupReady.includes(client.index) ? [] : [warmupWitness(at, member.session, table, client.index)];
      case "RoundTrain": {
        if (mine) return [];
        const isLastDrain = state.lastStep !== 0 && state.step + 1 === state.lastStep;
        const parameterHash = isLastDrain ? HASH : new Uint8Array(32);
        const message = {
          step: state.step,
          bitmap: new Uint8Array(32).fill(0),
          listRoot: HASH,
          reveal: member.nextReveal(),
          parameterHash,
        };
        if (round?.drain === false) for (let batch = 0; batch < members.length; batch++) message.bitmap[0]! |= 1 << batch;
        return [witness(at, member.session, where, message)];
      }
      case "RoundWitness": {
        const held = (round?.witnesses ?? []).reduce((mask, { position }) => (mask | (1 << position)) >>> 0, 0);
        return mine && mine.listsHeld === null ? [downloaded(at, member.session, where, state.step, held)] : [];
      }
      default:
        return [];
    }
  });
}
