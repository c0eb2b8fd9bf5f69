/** base58 of 32 bytes, as far as letters tell: without kit, for pages that come before the chain does. */
const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/** Whether it may be an address; whether it is one of something, the chain says. */
export const looksLikeAddress = (text: string): boolean => ADDRESS.test(text);
