/**
 * WebRTC for a Worker, which has none: the page's thread holds the connections and passes calls and events, the Worker gets the data
 * channels themselves, so that nothing of what peers send touches the page. Written for what @libp2p/webrtc uses.
 */

/** What an `RTCPeerConnection` tells of itself; goes with every answer and event. */
export interface ConnectionFacts {
  connectionState: string;
  iceConnectionState: string;
  iceGatheringState: string;
  signalingState: string;
  localDescription: Description | null;
  remoteDescription: Description | null;
}

export interface Description {
  type: string;
  sdp: string;
}

export interface Candidate {
  candidate?: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
  usernameFragment?: string | null;
}

/** certificates by the number that `certificate` was answered with */
export interface ConnectionConfig {
  iceServers?: { urls: string | string[]; username?: string; credential?: string }[];
  certificates?: number[];
}

export interface ChannelOptions {
  negotiated?: boolean;
  id?: number;
  ordered?: boolean;
  protocol?: string;
}

export const CONNECTION_CALLS = ["createOffer", "createAnswer", "setLocalDescription", "setRemoteDescription", "addIceCandidate"] as const;
export type ConnectionCall = (typeof CONNECTION_CALLS)[number];

export type ToRtcHost =
  | { type: "certificate"; call: number; parameters: { name: string; namedCurve: string } }
  | { type: "connection"; connection: number; config: ConnectionConfig }
  | { type: "call"; call: number; connection: number; method: ConnectionCall; argument: Description | Candidate | undefined }
  | { type: "channel"; connection: number; channel: number; label: string; options: ChannelOptions }
  | { type: "close"; connection: number };

export type FromRtcHost =
  | { type: "answer"; call: number; value?: Description | number; facts?: ConnectionFacts; error?: { name: string; message: string } }
  | { type: "event"; connection: number; name: string; facts: ConnectionFacts; candidate?: Candidate | null }
  /** `channel`: the stand-in that waits for it; null: the other side opened it */
  | { type: "channel"; connection: number; channel: number | null; real: unknown }
  | { type: "no-channel"; connection: number; channel: number; message: string };
