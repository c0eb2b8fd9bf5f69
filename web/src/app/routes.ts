/** Every page of the app: each is a chunk of its own, loaded when it is first opened. */
import { createElement, lazy, type ComponentType } from "react";

export interface PageRoute {
  path: string;
  /** of the browser's tab */
  title: string;
  Page: ComponentType;
}

/** A page that asks questions of a chain. */
const asking = (load: () => Promise<{ default: ComponentType }>): ComponentType =>
  lazy(async () => {
    const [{ Queries }, { default: Page }] = await Promise.all([import("../lib/Queries.tsx"), load()]);
    return { default: () => createElement(Queries, null, createElement(Page)) };
  });

export const ROUTES: readonly PageRoute[] = [
  { path: "/", title: "Runs", Page: lazy(() => import("../runs/RunsPage.tsx")) },
  { path: "/run/:source/:runId", title: "Run", Page: lazy(() => import("../runs/RunPage.tsx")) },
  { path: "/run/:source/:runId/train", title: "Train", Page: asking(() => import("../train/TrainPage.tsx")) },
  { path: "/run/:source/:runId/manage", title: "Manage", Page: asking(() => import("../manage/ManagePage.tsx")) },
  { path: "/create", title: "Create a run", Page: asking(() => import("../create/CreatePage.tsx")) },
  { path: "/create/:draftId", title: "Create a run", Page: asking(() => import("../create/CreatePage.tsx")) },
  { path: "/rewards", title: "Rewards", Page: asking(() => import("../rewards/RewardsPage.tsx")) },
  // linked from nowhere: every part of the kit in every state, for eyes and for axe
  { path: "/kit", title: "Kit", Page: lazy(() => import("./KitPage.tsx")) },
];
