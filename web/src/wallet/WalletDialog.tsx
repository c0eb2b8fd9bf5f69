/** One dialog for all of it: wallets found, how to get one, connecting, declined, connected. */
import { AddressText, Alert, Button, Dialog, Spinner } from "../ui/index.ts";
import { chooseWallet, closeWalletDialog, disconnectWallet, openWalletDialog, useWalletSnapshot } from "./store.ts";
import type { WalletSnapshot } from "./types.ts";

export default function WalletDialog() {
  const wallet = useWalletSnapshot();
  const close = () => {
    if (wallet.status === "connecting") chooseWallet(null);
    closeWalletDialog();
  };
  return (
    <Dialog
      footer={wallet.status === "connected" ? <ConnectedButtons /> : undefined}
      onClose={close}
      open={wallet.dialogOpen}
      title={wallet.status === "connected" ? "Your wallet" : "Connect a wallet"}
    >
      <div className="space-y-4">
        {wallet.error !== null && <Alert title={wallet.error} tone="bad" />}
        <Body wallet={wallet} />
      </div>
    </Dialog>
  );
}

function Body({ wallet }: { wallet: WalletSnapshot }) {
  switch (wallet.status) {
    case "loading":
      return <Waiting text="Looking for wallets" />;
    case "connecting":
      return (
        <div className="space-y-4">
          <Waiting text={`Approve the connection in ${wallet.name ?? "your wallet"}.`} />
          <p className="text-sm text-muted">Nothing to see? Open the wallet yourself; if it stays silent, reload this page.</p>
          <Button onClick={() => chooseWallet(null)}>Choose another wallet</Button>
        </div>
      );
    case "connected":
      return (
        <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
          <dt className="text-muted">Wallet</dt>
          <dd>{wallet.name}</dd>
          <dt className="text-muted">Address</dt>
          <dd>{wallet.address !== null && <AddressText address={wallet.address} />}</dd>
        </dl>
      );
    case "none":
      return <Choices wallet={wallet} />;
    default:
      return wallet.status satisfies never;
  }
}

function Choices({ wallet }: { wallet: WalletSnapshot }) {
  if (wallet.choices.length === 0 && wallet.error !== null) return <Button onClick={openWalletDialog}>Try again</Button>;
  if (wallet.choices.length === 0) {
    return (
      <div className="space-y-3">
        <p className="font-medium">This browser has no Solana wallet.</p>
        <p>
          Install one as a browser extension, such as Phantom, Solflare or Backpack, from the store of your browser. It appears here as soon
          as it is there. On a phone, open this page in your wallet's own browser.
        </p>
        <p className="text-muted">To watch runs, or to train with a coordinator that keeps no accounts, no wallet is needed.</p>
      </div>
    );
  }
  return (
    <div className="space-y-3">
      <ul className="space-y-2">
        {wallet.choices.map((choice) => (
          <li key={choice.name}>
            <button
              className="flex min-h-13 w-full items-center gap-3 rounded-xl border border-line bg-surface px-4 text-left font-medium hover:border-line-strong hover:bg-sunken"
              onClick={() => chooseWallet(choice.name)}
              type="button"
            >
              {choice.icon.startsWith("data:") ? <img alt="" className="size-7 rounded-md" src={choice.icon} /> : null}
              {choice.name}
            </button>
          </li>
        ))}
      </ul>
      <p className="text-sm text-muted">
        Connecting shows this page your address. It moves nothing: every transaction is shown here first, then asks you in your wallet.
      </p>
    </div>
  );
}

function ConnectedButtons() {
  return (
    <>
      <Button onClick={() => void disconnectWallet()}>Disconnect</Button>
      <Button onClick={closeWalletDialog} variant="primary">
        Done
      </Button>
    </>
  );
}

function Waiting({ text }: { text: string }) {
  return (
    <p className="flex items-center gap-3" role="status">
      <Spinner className="text-accent" />
      {text}
    </p>
  );
}
