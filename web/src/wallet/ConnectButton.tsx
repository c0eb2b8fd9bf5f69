import { shortAddress } from "../lib/format.ts";
import { Button, WalletIcon } from "../ui/index.ts";
import { useWallet } from "./useWallet.ts";

export function ConnectButton() {
  const { status, address, open } = useWallet();
  if (status === "connected" && address !== null) {
    return (
      <Button aria-label={`Wallet ${shortAddress(address)}`} onClick={open}>
        <WalletIcon className="text-accent" />
        <span className="font-mono text-sm">{shortAddress(address)}</span>
      </Button>
    );
  }
  return (
    <Button busy={status === "loading" || status === "connecting"} onClick={open} variant="primary">
      {status === "connecting" ? (
        "Connecting"
      ) : (
        // a phone's header has room for one word; the button's name stays whole
        <span>
          Connect<span className="max-sm:sr-only"> wallet</span>
        </span>
      )}
    </Button>
  );
}
