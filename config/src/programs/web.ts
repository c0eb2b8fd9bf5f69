/** Options of `web`. */
import { defineOptions } from "../defineOptions.ts";
import { cluster, programIds } from "./chain.ts";
import { port, serverAddr } from "./shared.ts";

const dataRule = (entries: readonly string[]): string | null =>
  entries.every((entry) => /^[^=]+=.+/.test(entry)) ? null : "must be RUN_ID=FOLDER";

const { default: _none, ...rpc } = cluster.rpc;

export const webOptions = defineOptions({
  webPort: { ...port, optional: true, doc: "Port of the page; left out = 8080, or any free port where that is taken; 0 = any free port." },
  webHost: {
    type: "string",
    minBytes: 1,
    maxBytes: 64,
    default: "127.0.0.1",
    doc: "IP address on which the page is served; 0.0.0.0 = every interface. Behind a proxy that speaks https, leave it.",
  },
  ...cluster,
  rpc: {
    ...rpc,
    optional: true,
    doc: "Solana RPC of the cluster whose runs are shown, as browsers reach it; every visitor sees this url, a provider's key in it too; left out = no cluster.",
  },
  ...programIds,
  explorerUrl: {
    type: "string",
    unit: "url",
    minBytes: 1,
    maxBytes: 512,
    optional: true,
    check: (text: string): string | null =>
      /^https?:\/\//.test(text) && text.includes("{signature}") ? null : "must be an http:// or https:// url with {signature} in it",
    doc: "Link to a transaction, with {signature} where its signature goes.",
  },
  serverAddr: {
    ...serverAddr,
    optional: true,
    doc: "A TCP coordinator whose run is shown: HOST:PORT as daemons have it, or a multiaddr; its WebSocket address is asked of it.",
  },
  data: {
    type: "strings",
    unit: "RUN_ID=FOLDER",
    minLength: 1,
    maxLength: 64,
    optional: true,
    env: null,
    check: dataRule,
    doc: "Folders of token files that tabs read for runs whose data are local; served as data/RUN_ID/FILE.",
  },
  iceServers: {
    type: "strings",
    unit: "url",
    minLength: 1,
    maxLength: 8,
    optional: true,
    check: (urls: readonly string[]): string | null =>
      urls.every((url) => /^(stun|stuns|turn|turns):\S+$/.test(url)) ? null : "must be stun:HOST:PORT or turn:HOST:PORT",
    doc: "STUN and TURN servers by which tabs behind routers reach each other; none by default.",
  },
  iceUsername: {
    type: "string",
    minBytes: 1,
    maxBytes: 128,
    optional: true,
    doc: "Name for the TURN servers; everyone who opens the page sees it.",
  },
  iceCredential: {
    type: "string",
    minBytes: 1,
    maxBytes: 256,
    optional: true,
    doc: "Password for the TURN servers; everyone who opens the page sees it.",
  },
  pageConfig: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "File that is served as config.json, read at each request; takes the place of the clusters, coordinators and ICE servers above.",
  },
  pageBuild: {
    type: "choice",
    choices: ["auto", "never"],
    default: "auto",
    doc: "auto = the page is built where it is missing or older than its sources; never = web/dist is served as it is.",
  },
  json: {
    type: "boolean",
    default: false,
    env: null,
    doc: "Print one JSON object a line instead of sentences: the first is {type: page, url}.",
  },
});
