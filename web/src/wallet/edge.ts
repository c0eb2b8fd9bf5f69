/**
 * The one place that knows @solana/web3.js 1 and wallet-adapter. Loaded when a wallet is wanted; renders nothing, and keeps the
 * store in step with wallet-adapter: the rest of the page knows only the store and kit.
 */
import "./bufferPolyfill.ts";
import { WalletReadyState, type Adapter, type WalletError, type WalletName } from "@solana/wallet-adapter-base";
import { ConnectionProvider, useWallet as useAdapter, WalletProvider } from "@solana/wallet-adapter-react";
import { VersionedTransaction } from "@solana/web3.js";
import { address as readAddress, type Address } from "@solana/kit";
import type { ChainName } from "@starling/config/page/runtimeConfig";
import { createElement, useCallback, useEffect, useMemo, useRef } from "react";
import { PageError } from "../lib/pageError.ts";
import { isRejection, standardSignWires, walletSigner, type SignWires } from "./signer.ts";
import { bindWallet, changeWallet, chooseWallet, REMEMBERED_WALLET_KEY } from "./store.ts";
import type { MakeSigner } from "./types.ts";

/** Discovery is the Wallet Standard's: nothing is listed by hand. */
const NO_WALLETS: Adapter[] = [];

export interface EdgeProps {
  /** of the first cluster: what a wallet app on a phone is opened for */
  chain: ChainName;
}

/** Stands once in the page, beside everything else. */
export default function Edge({ chain }: EdgeProps) {
  // never called: wallet-adapter reads the network of a phone's wallet app out of this text
  const endpoint = `https://${chain.slice("solana:".length)}.invalid`;
  const chosenHere = useRef(false);
  const onError = useCallback((error: WalletError, adapter?: Adapter) => {
    // a remembered wallet that does not answer in silence is simply not connected
    if (!chosenHere.current) return;
    changeWallet({ error: connectSentence(error, adapter?.name ?? "The wallet") });
    // also where the answer comes late: it must be possible to choose the same wallet again
    chooseWallet(null, { keepError: true });
  }, []);
  return createElement(ConnectionProvider, {
    endpoint,
    children: createElement(WalletProvider, {
      wallets: NO_WALLETS,
      autoConnect: true,
      localStorageKey: REMEMBERED_WALLET_KEY,
      onError,
      children: createElement(Bridge, { chosenHere }),
    }),
  });
}

function Bridge({ chosenHere }: { chosenHere: { current: boolean } }) {
  const { wallets, wallet, connecting, select, disconnect } = useAdapter();

  const choices = useMemo(
    () =>
      wallets
        .filter(({ readyState }) => readyState === WalletReadyState.Installed || readyState === WalletReadyState.Loadable)
        .map(({ adapter }) => ({ name: adapter.name as string, icon: adapter.icon })),
    [wallets],
  );
  useEffect(() => changeWallet({ choices }), [choices]);

  useEffect(() => {
    bindWallet({
      select: (name) => {
        chosenHere.current = name !== null;
        select(name as WalletName | null);
      },
      disconnect: async () => {
        chosenHere.current = false;
        await disconnect();
      },
    });
    return () => bindWallet(null);
  }, [select, disconnect, chosenHere]);

  const adapter = wallet?.adapter ?? null;
  // asked of the adapter itself: a wallet that once did not answer may have answered since, without wallet-adapter's hook knowing
  const owner = adapter?.connected === true ? (adapter.publicKey?.toBase58() ?? null) : null;
  const isAsked = connecting || adapter?.connecting === true;
  useEffect(() => {
    const name = adapter?.name ?? null;
    if (adapter !== null && owner !== null) {
      const address = readAddress(owner);
      const makeSigner = signerMaker(adapter, address);
      changeWallet({ status: "connected", address, name, error: null, makeSigner, ...(chosenHere.current && { dialogOpen: false }) });
      chosenHere.current = false;
    } else changeWallet({ status: isAsked ? "connecting" : "none", address: null, name: isAsked ? name : null, makeSigner: null });
  }, [adapter, owner, isAsked, chosenHere]);
  return null;
}

const signerMaker =
  (adapter: Adapter, address: Address): MakeSigner =>
  (chain, signal) => {
    const signWires: SignWires =
      "standard" in adapter && adapter.standard
        ? standardSignWires(adapter.wallet, address, adapter.name, chain)
        : (wires) => adapterSignWires(adapter, wires);
    return walletSigner(address, adapter.name, signWires, signal);
  };

/** A wallet app on a phone is no Wallet Standard wallet: only its adapter reaches it. */
async function adapterSignWires(adapter: Adapter, wires: readonly Uint8Array[]): Promise<Uint8Array[]> {
  if (!("signAllTransactions" in adapter))
    throw new PageError("wallet-cannot-sign", `${adapter.name} cannot sign transactions: choose another wallet.`);
  const signAll = adapter.signAllTransactions.bind(adapter) as (all: VersionedTransaction[]) => Promise<VersionedTransaction[]>;
  const signed = await signAll(wires.map((wire) => VersionedTransaction.deserialize(wire)));
  return signed.map((transaction) => transaction.serialize());
}

function connectSentence(error: WalletError, name: string): string {
  if (isRejection(error)) return `You declined the connection in ${name}.`;
  switch (error.name) {
    case "WalletAccountError":
      return `${name} offers no account: unlock it, or create one there, then try again.`;
    case "WalletDisconnectedError":
      return `${name} closed the connection.`;
    case "WalletNotReadyError":
      return `${name} is not installed in this browser.`;
    default:
      return `${name} could not be connected${error.message === "" ? "." : `: ${error.message}`}`;
  }
}
