import { Component, type ErrorInfo, type ReactNode } from "react";
import { FailureAlert } from "./FailureAlert.tsx";

interface Props {
  children: ReactNode;
  /** the boundary forgets its error when this changes: another page is not the one that failed */
  at: string;
}

/** A page that throws leaves header and navigation standing, and says what happened. */
export class ErrorBoundary extends Component<Props, { error: unknown; at: string }> {
  override state = { error: undefined as unknown, at: this.props.at };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: { at: string }) {
    return props.at === state.at ? null : { error: undefined, at: props.at };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    // React's own report names the component; nothing else of ours writes to the console
    reportError(error instanceof Error ? error : new Error(`${String(error)}${info.componentStack ?? ""}`));
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <>
        <h1 className="mb-4 text-2xl font-semibold">This page stopped</h1>
        <FailureAlert button="Reload" error={this.state.error} onPress={() => location.reload()} />
      </>
    );
  }
}
