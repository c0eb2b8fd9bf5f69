import { expect, test } from "vitest";
import { checkpointUrl } from "./checkpointUrl.ts";

test.each([
  ["https://example.org/model/", "https://example.org/model/"],
  ["gs://bucket/a folder/step9", "https://console.cloud.google.com/storage/browser/bucket/a%20folder/step9"],
  ["owner/name", "https://huggingface.co/owner/name"],
  ["hf://owner/name@v1.2", "https://huggingface.co/owner/name/tree/v1.2"],
])("%s is on the web", (location, url) => expect(checkpointUrl(location)).toBe(url));

test.each([
  "javascript:alert(1)",
  "data:text/html,x",
  "file:///etc/passwd",
  "p2p",
  "/home/me/checkpoints/step9",
  "./step9/x",
  "../a/b",
  "https://",
  "ftp://x/y",
  "",
])("%s is no link", (location) => expect(checkpointUrl(location)).toBeNull());
