/**
 * The page's content security policy: nothing but its own files runs, styles or loads. Declared once: the build writes it into
 * index.html (any static host then has it), and whoever serves the page sends it as a header, where alone frame-ancestors counts.
 * Connections are open: the endpoints are configuration, and a tab dials daemons that nobody knows in advance.
 */
const DIRECTIVES = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  // wallets hand over their icons as data: URIs
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self' http: https: ws: wss:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
];

/** for `<meta http-equiv="Content-Security-Policy">` */
export const PAGE_CSP_META = DIRECTIVES.join("; ");

/** for the `Content-Security-Policy` header */
export const PAGE_CSP = [...DIRECTIVES, "frame-ancestors 'none'"].join("; ");
