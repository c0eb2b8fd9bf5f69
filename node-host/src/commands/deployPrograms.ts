/** `starling deploy-programs`: puts the three programs on a cluster, or the newer ones in their place; goes on where an earlier try stopped. */
import { createSolanaRpc } from "@solana/kit";
import type { OptionsOf, deployProgramsOptions } from "@starling/config";
import { formatSol } from "@starling/sdk/actions/amounts";
import { readWallet } from "../chain/keyFile.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { listenForStop } from "../platform/parent.ts";
import { deploy, planDeploy, rent, type DeployPlan } from "../validator/deploy.ts";
import { BUFFER_HEADER_BYTES } from "../validator/loader.ts";
import { programFiles } from "../validator/programFiles.ts";
import { Sender } from "../validator/sender.ts";

const isLocal = (rpc: string): boolean => /^https?:\/\/(127\.|localhost|\[::1\])/.test(rpc);

export async function deployPrograms(options: OptionsOf<typeof deployProgramsOptions>): Promise<number> {
  const stop = listenForStop();
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  if (options.keys === undefined && !isLocal(options.rpc)) {
    throw new HostError(
      "bad-option",
      `--keys is needed on ${options.rpc}: the keys of this repository are public, and whoever is first would own those addresses; make your own by solana-keygen new --outfile FOLDER/coordinator.json, and so on`,
    );
  }
  const wallet = await readWallet(options);
  const programs = await programFiles(options.keys);
  const sender = new Sender(createSolanaRpc(options.rpc), wallet, stop.signal);
  const plans = await Promise.all(programs.map((program) => planDeploy(sender, program)));
  const { value: balance } = await sender.ask((rpc, abortSignal) => rpc.getBalance(wallet.address).send({ abortSignal }));
  programs.forEach(({ name, bytes }, i) => say(planSentence(name, bytes.length, plans[i]!)));
  const cost = plans.reduce((sum, { rentLamports, feeLamports }) => sum + rentLamports + feeLamports, 0n);
  // an upgrade's buffer comes on top and gives its rent back; that of a new program pays for the program
  const buffers = await Promise.all(
    programs.map(({ bytes }, i) => (plans[i]!.type === "upgrade" ? rent(sender, BUFFER_HEADER_BYTES + bytes.length) : 0n)),
  );
  const needed = cost + buffers.reduce((most, lamports) => (lamports > most ? lamports : most), 0n);
  if (cost > 0n) say(`costs ${formatSol(cost)}, most of it rent; the wallet ${wallet.address} has ${formatSol(balance)}`);
  if (balance < needed && cost > 0n) {
    throw new HostError("chain", `${formatSol(needed)} must be in ${wallet.address} while it deploys, there are ${formatSol(balance)}`);
  }
  const print = (): void => {
    if (!options.json) return;
    const rows = plans.map(({ type, programId }, i) => [programs[i]!.name, { programId, was: type }]);
    process.stdout.write(`${JSON.stringify({ costLamports: Number(cost), programs: Object.fromEntries(rows) })}\n`);
  };
  if (options.dryRun) {
    print();
    return EXIT_CODES.ok;
  }
  for (const program of programs) {
    let told = -1;
    await deploy(sender, program, (done, of) => {
      const tenth = Math.floor((10 * done) / of);
      if (tenth > told) say(`${program.name}: ${done} of ${of} chunks written`);
      told = tenth;
    });
    say(`${program.name} is at ${program.key.address}`);
  }
  print();
  return EXIT_CODES.ok;
}

function planSentence(name: string, bytes: number, { type, programId, rentLamports, feeLamports }: DeployPlan): string {
  switch (type) {
    case "there":
      return `${name} (${bytes} bytes) is deployed at ${programId} already`;
    case "deploy":
      return `${name} (${bytes} bytes) is to be deployed at ${programId}: rent ${formatSol(rentLamports)}, fees ${formatSol(feeLamports)}`;
    case "upgrade":
      return `${name} (${bytes} bytes) replaces the version at ${programId}: further rent ${formatSol(rentLamports)}, fees ${formatSol(feeLamports)}`;
  }
}
