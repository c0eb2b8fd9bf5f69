/** The RPCs and websockets that the options name, primary first. */

export interface ClusterUrlOptions {
  rpc: string;
  wsRpc: string | undefined;
  rpc2: string | undefined;
  wsRpc2: string | undefined;
  rpc3: string | undefined;
  wsRpc3: string | undefined;
}

/** A fallback websocket without an RPC counts as well: websockets and RPCs switch apart from each other. */
export function clusterUrls(options: ClusterUrlOptions): { rpcUrls: string[]; wsUrls: string[] } {
  const { rpc, wsRpc, rpc2, wsRpc2, rpc3, wsRpc3 } = options;
  const pairs: [string | undefined, string | undefined][] = [
    [rpc, wsRpc],
    [rpc2, wsRpc2],
    [rpc3, wsRpc3],
  ];
  const rpcUrls: string[] = [];
  const wsUrls: string[] = [];
  for (const [httpUrl, wsUrl] of pairs.map((pair) => pair.map(withoutQuotes))) {
    if (httpUrl !== undefined) rpcUrls.push(httpUrl);
    if (wsUrl !== undefined) wsUrls.push(wsUrl);
    else if (httpUrl !== undefined) wsUrls.push(websocketOf(httpUrl));
  }
  return { rpcUrls: [...new Set(rpcUrls)], wsUrls: [...new Set(wsUrls)] };
}

/** http://host:8899 has its websocket at ws://host:8900; a provider that names no port has both at the same place. */
export function websocketOf(rpcUrl: string): string {
  const url = new URL(rpcUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (url.port !== "") url.port = String(Number(url.port) + 1);
  return url.pathname === "/" && url.search === "" && !rpcUrl.endsWith("/") ? url.href.slice(0, -1) : url.href;
}

/** Shells, docker and systemd differ in which quotes of an env file they take away. */
function withoutQuotes(text: string | undefined): string | undefined {
  return text?.trim().replace(/^["']|["']$/g, "");
}
