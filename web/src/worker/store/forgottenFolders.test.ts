import { expect, it } from "vitest";
import { forgottenFolders, type FolderAge } from "./forgottenFolders.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW_MS = 1_000 * DAY_MS;
const name = (run: string): string => `${run}_200123456789abcdef`;
const folder = (run: string, daysAgo: number | null): FolderAge => ({
  name: name(run),
  newestMs: daysAgo === null ? null : NOW_MS - daysAgo * DAY_MS,
});

it("removes what was not trained for a month, and what never held anything", () => {
  const folders = [folder("young", 29), folder("old", 31), folder("empty", null)];
  expect(forgottenFolders(folders, name("new"), NOW_MS).sort()).toEqual([name("empty"), name("old")]);
});

it("never removes the one that is opened, however old", () => {
  expect(forgottenFolders([folder("old", 300), folder("empty", null)], name("old"), NOW_MS)).toEqual([name("empty")]);
  expect(forgottenFolders([folder("empty", null)], name("empty"), NOW_MS)).toEqual([]);
});

it("of many young ones it keeps the newest, five with the one that is opened", () => {
  const folders = [5, 1, 4, 2, 3, 6].map((days) => folder(`run-${days}`, days));
  expect(forgottenFolders(folders, name("new"), NOW_MS)).toEqual([name("run-5"), name("run-6")]);
  // the opened one takes a place wherever it stands in the order
  expect(forgottenFolders(folders, name("run-6"), NOW_MS)).toEqual([name("run-5")]);
});

it("leaves alone what it did not make", () => {
  const others = ["notes", "run", "_20", "run_20012345678", "x_200123456789ABCDEF"].map((one) => ({ name: one, newestMs: 0 }));
  expect(forgottenFolders(others, name("new"), NOW_MS)).toEqual([]);
});
