/** The page's half: real connections, made and told of for the Worker at the other end of a port. */
import type { Candidate, ConnectionFacts, Description, FromRtcHost, ToRtcHost } from "./messages.ts";

const EVENTS = [
  "connectionstatechange",
  "iceconnectionstatechange",
  "icegatheringstatechange",
  "signalingstatechange",
  "icecandidateerror",
  "negotiationneeded",
] as const;

/** Null where this browser has no WebRTC. The port's owner ends it with `close`; it ends by itself when the Worker does. */
export function createRtcHost(): { port: MessagePort; close(): void } | null {
  if (!("RTCPeerConnection" in globalThis)) return null;
  const { port1, port2 } = new MessageChannel();
  const host = new RtcHost(port1);
  return { port: port2, close: () => host.close() };
}

class RtcHost {
  readonly #port: MessagePort;
  readonly #connections = new Map<number, RTCPeerConnection>();
  readonly #certificates = new Map<number, RTCCertificate>();

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<ToRtcHost>) => this.#take(data);
    // Chrome tells when the Worker is gone; others leave it to `close`
    port.addEventListener("close", () => this.close());
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    this.#certificates.clear();
    this.#port.close();
  }

  #tell(message: FromRtcHost, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #take(message: ToRtcHost): void {
    switch (message.type) {
      case "certificate":
        return void this.#answer(message.call, null, async () => {
          const certificate = await RTCPeerConnection.generateCertificate(message.parameters as AlgorithmIdentifier);
          this.#certificates.set(message.call, certificate);
          return message.call;
        });
      case "connection":
        return this.#open(message.connection, message.config);
      case "call": {
        const connection = this.#connections.get(message.connection);
        return void this.#answer(message.call, connection ?? null, async () => {
          if (!connection) throw new DOMException("the connection is closed", "InvalidStateError");
          switch (message.method) {
            case "createOffer":
              return descriptionOf(await connection.createOffer());
            case "createAnswer":
              return descriptionOf(await connection.createAnswer());
            case "setLocalDescription":
              return void (await connection.setLocalDescription(message.argument as RTCLocalSessionDescriptionInit | undefined));
            case "setRemoteDescription":
              return void (await connection.setRemoteDescription(message.argument as RTCSessionDescriptionInit));
            case "addIceCandidate":
              return void (await connection.addIceCandidate(message.argument as RTCIceCandidateInit));
          }
        });
      }
      case "channel": {
        const { connection, channel, label, options } = message;
        try {
          const real = this.#connections.get(connection)?.createDataChannel(label, options);
          if (!real) throw new DOMException("the connection is closed", "InvalidStateError");
          // in the task that made it: later it can no longer be handed over
          this.#tell({ type: "channel", connection, channel, real }, [real as unknown as Transferable]);
        } catch (error) {
          this.#tell({ type: "no-channel", connection, channel, message: (error as Error).message });
        }
        return;
      }
      case "close": {
        this.#connections.get(message.connection)?.close();
        this.#connections.delete(message.connection);
        return;
      }
      default:
        message satisfies never;
    }
  }

  #open(number: number, { iceServers, certificates }: Extract<ToRtcHost, { type: "connection" }>["config"]): void {
    const made = certificates?.map((token) => this.#certificates.get(token)).filter((one) => one !== undefined);
    const connection = new RTCPeerConnection({ ...(iceServers && { iceServers }), ...(made?.length && { certificates: made }) });
    for (const token of certificates ?? []) this.#certificates.delete(token);
    this.#connections.set(number, connection);
    for (const name of EVENTS) {
      connection.addEventListener(name, () => this.#tell({ type: "event", connection: number, name, facts: factsOf(connection) }));
    }
    connection.addEventListener("icecandidate", ({ candidate }) => {
      const plain: Candidate | null = candidate && candidate.toJSON();
      this.#tell({ type: "event", connection: number, name: "icecandidate", facts: factsOf(connection), candidate: plain });
    });
    connection.addEventListener("datachannel", ({ channel }) => {
      this.#tell({ type: "channel", connection: number, channel: null, real: channel }, [channel as unknown as Transferable]);
    });
  }

  async #answer(
    call: number,
    connection: RTCPeerConnection | null,
    work: () => Promise<Description | number | undefined | void>,
  ): Promise<void> {
    const facts = () => (connection === null ? {} : { facts: factsOf(connection) });
    try {
      const value = await work();
      this.#tell({ type: "answer", call, ...(value !== undefined && { value }), ...facts() });
    } catch (error) {
      const { name, message } = error as Error;
      this.#tell({ type: "answer", call, error: { name, message }, ...facts() });
    }
  }
}

function factsOf(connection: RTCPeerConnection): ConnectionFacts {
  const { connectionState, iceConnectionState, iceGatheringState, signalingState, localDescription, remoteDescription } = connection;
  return {
    ...{ connectionState, iceConnectionState, iceGatheringState, signalingState },
    localDescription: localDescription && descriptionOf(localDescription),
    remoteDescription: remoteDescription && descriptionOf(remoteDescription),
  };
}

function descriptionOf({ type, sdp }: { type: string; sdp?: string }): Description {
  return { type, sdp: sdp ?? "" };
}
