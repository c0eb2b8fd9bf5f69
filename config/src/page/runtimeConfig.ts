import { ConfigError, issue } from "../errors.ts";

/**
 * What the page is told at run time, as `config.json` beside it: one build then serves every cluster and coordinator.
 * Whoever serves the page writes this shape; the page reads it with `readRuntimeConfig`.
 */
export interface RuntimeConfig {
  /** shown in the header, default "Starling" */
  title?: string;
  clusters: ClusterConfig[];
  coordinators: CoordinatorConfig[];
  /** where a tab reads a run's token files when its data_location is Local: run id -> urls, relative ones count from the page, in file order */
  dataUrls?: Record<string, string[]>;
  /** STUN and TURN servers for tab to tab connections; none by default */
  iceServers?: IceServer[];
}

export interface ClusterConfig {
  /** unique; part of the page's addresses */
  name: string;
  label: string;
  /** tried in order; http or https */
  rpcUrls: string[];
  /** tried in order; ws or wss */
  wsUrls: string[];
  /** the Wallet Standard's chain, told to the wallet with each transaction */
  chain: ChainName;
  /** base58; where given, a node that answers with another one is said to be on the wrong network */
  genesisHash?: string;
  /** program addresses, base58; default: those that the build knows */
  programs?: { coordinator: string; authorizer: string; treasurer: string };
  /** link to a transaction, with {signature} */
  explorerUrl?: string;
  /** play money: mints may be created, faucet hints are shown */
  isTest: boolean;
}

export const CHAIN_NAMES = ["solana:localnet", "solana:devnet", "solana:testnet", "solana:mainnet"] as const;
export type ChainName = (typeof CHAIN_NAMES)[number];

export interface CoordinatorConfig {
  label: string;
  /** multiaddr of the WebSocket listener, with /p2p/ */
  address: string;
  runId: string;
}

/** as RTCIceServer, without needing the DOM's types here */
export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

type Reader<T> = (value: unknown, key: string) => T;

/** `rule` follows "key = value: " */
function refuse(key: string, value: unknown, rule: string): never {
  const found = issue(key, value, rule);
  throw new ConfigError("page-config", "this page's config.json cannot be used:", [found]);
}

const fail = (key: string, expected: string, value: unknown): never => refuse(key, value, `must be ${expected}`);

const text: Reader<string> = (value, key) => (typeof value === "string" && value.length > 0 ? value : fail(key, "a text", value));
const flag: Reader<boolean> = (value, key) => (typeof value === "boolean" ? value : fail(key, "true or false", value));

function record(value: unknown, key: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(key, "an object", value);
  return value as Record<string, unknown>;
}

const list =
  <T>(read: Reader<T>): Reader<T[]> =>
  (value, key) =>
    Array.isArray(value) ? value.map((entry, i) => read(entry, `${key}[${i}]`)) : fail(key, "a list", value);

const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (value, key) =>
    value === undefined || value === null ? undefined : read(value, key);

const table =
  <T>(read: Reader<T>): Reader<Record<string, T>> =>
  (value, key) =>
    Object.fromEntries(Object.entries(record(value, key)).map(([name, entry]) => [name, read(entry, `${key}.${name}`)]));

/** An unknown key is most often a misspelt one: it is an error, as everywhere in Starling. */
function only(value: Record<string, unknown>, key: string, known: readonly string[]): void {
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  if (stranger !== undefined)
    refuse(key === "" ? stranger : `${key}.${stranger}`, undefined, `is not known; known are ${known.join(", ")}`);
}

const url =
  (...schemes: string[]): Reader<string> =>
  (value, key) => {
    const given = text(value, key);
    if (!schemes.some((scheme) => given.startsWith(`${scheme}://`)) || !URL.canParse(given))
      fail(key, `a ${schemes.join(" or ")} url`, given);
    return given;
  };

const link: Reader<string> = (value, key) => {
  const given = text(value, key);
  return URL.canParse(given, "http://page/") ? given : fail(key, "a url", given);
};

const filled =
  <T>(read: Reader<T[]>): Reader<T[]> =>
  (value, key) => {
    const entries = read(value, key);
    return entries.length > 0 ? entries : fail(key, "a list with at least one entry", value);
  };

const base58: Reader<string> = (value, key) => {
  const given = text(value, key);
  return /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(given) ? given : fail(key, "a base58 address of 32 bytes", given);
};

const programs: Reader<NonNullable<ClusterConfig["programs"]>> = (value, key) => {
  const given = record(value, key);
  only(given, key, ["coordinator", "authorizer", "treasurer"]);
  return {
    coordinator: base58(given.coordinator, `${key}.coordinator`),
    authorizer: base58(given.authorizer, `${key}.authorizer`),
    treasurer: base58(given.treasurer, `${key}.treasurer`),
  };
};

const explorer: Reader<string> = (value, key) => {
  const given = url("http", "https")(value, key);
  return given.includes("{signature}") ? given : fail(key, "a url with {signature} in it", given);
};

const clusterName: Reader<string> = (value, key) => {
  const given = text(value, key);
  // tcp-0, tcp-1 ... name the coordinators in the page's addresses
  return /^[a-z][a-z0-9-]{0,31}$/.test(given) && !given.startsWith("tcp-")
    ? given
    : fail(key, "lower-case letters, digits and dashes, not beginning with tcp-", given);
};

const cluster: Reader<ClusterConfig> = (value, key) => {
  const given = record(value, key);
  only(given, key, ["name", "label", "rpcUrls", "wsUrls", "chain", "genesisHash", "programs", "explorerUrl", "isTest"]);
  const chain = text(given.chain, `${key}.chain`);
  if (!CHAIN_NAMES.includes(chain as ChainName)) fail(`${key}.chain`, `one of ${CHAIN_NAMES.join(", ")}`, chain);
  return {
    name: clusterName(given.name, `${key}.name`),
    label: text(given.label, `${key}.label`),
    rpcUrls: filled(list(url("http", "https")))(given.rpcUrls, `${key}.rpcUrls`),
    wsUrls: filled(list(url("ws", "wss")))(given.wsUrls, `${key}.wsUrls`),
    chain: chain as ChainName,
    genesisHash: optional(base58)(given.genesisHash, `${key}.genesisHash`),
    programs: optional(programs)(given.programs, `${key}.programs`),
    explorerUrl: optional(explorer)(given.explorerUrl, `${key}.explorerUrl`),
    isTest: flag(given.isTest, `${key}.isTest`),
  };
};

const coordinator: Reader<CoordinatorConfig> = (value, key) => {
  const given = record(value, key);
  only(given, key, ["label", "address", "runId"]);
  const address = text(given.address, `${key}.address`);
  if (!address.startsWith("/") || !/\/p2p\/[^/]+$/.test(address)) fail(`${key}.address`, "a multiaddr that ends in /p2p/PEER", address);
  return { label: text(given.label, `${key}.label`), address, runId: text(given.runId, `${key}.runId`) };
};

const iceServer: Reader<IceServer> = (value, key) => {
  const given = record(value, key);
  only(given, key, ["urls", "username", "credential"]);
  const urls = Array.isArray(given.urls) ? filled(list(text))(given.urls, `${key}.urls`) : text(given.urls, `${key}.urls`);
  return {
    urls,
    username: optional(text)(given.username, `${key}.username`),
    credential: optional(text)(given.credential, `${key}.credential`),
  };
};

/** Checks parsed JSON. Errors: ConfigError "page-config", which names the key, what was expected and what came. */
export function readRuntimeConfig(value: unknown): RuntimeConfig {
  const given = record(value, "the file");
  only(given, "", ["title", "clusters", "coordinators", "dataUrls", "iceServers"]);
  const clusters = list(cluster)(given.clusters, "clusters");
  const twice = clusters.findIndex((c, i) => clusters.findIndex((other) => other.name === c.name) !== i);
  if (twice >= 0) refuse(`clusters[${twice}].name`, clusters[twice].name, "must not be used twice");
  return {
    title: optional(text)(given.title, "title"),
    clusters,
    coordinators: list(coordinator)(given.coordinators, "coordinators"),
    dataUrls: optional(table(list(link)))(given.dataUrls, "dataUrls"),
    iceServers: optional(list(iceServer))(given.iceServers, "iceServers"),
  };
}
