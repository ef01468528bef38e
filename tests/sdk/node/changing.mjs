// The same app on two days: runs that began with one of them go on with the other.
import { RetryAfterError } from "inngest";

import { client } from "./clients.mjs";

const renames = { id: "renames", triggers: { event: "node/renames" }, retries: 0 };
const disappears = { id: "disappears", triggers: { event: "node/disappears" }, retries: 1 };
const shrinks = { id: "shrinks", triggers: { event: "node/shrinks" }, retries: 1 };
const returns = { id: "returns", triggers: { event: "node/returns" }, retries: 1 };
const sleep = (step) => step.sleep("until it has changed", "3s");

const keptAndDropped = ({ step }) =>
  Promise.all([
    step.run("kept", () => "kept"),
    step.run("dropped", () => {
      throw new RetryAfterError("when it has changed", "3s");
    }),
  ]);

export const before = [
  client.createFunction(renames, async ({ step }) => {
    const first = await step.run("first", () => "before");
    await sleep(step);
    return { first };
  }),
  client.createFunction(disappears, async ({ step }) => {
    await sleep(step);
  }),
  client.createFunction(shrinks, keptAndDropped),
  client.createFunction(returns, keptAndDropped),
];

export const after = [
  client.createFunction(renames, async ({ step }) => {
    const first = await step.run("renamed", () => "after");
    await sleep(step);
    return { first };
  }),
  client.createFunction(shrinks, async ({ step }) => ({
    kept: await step.run("kept", () => "kept again"),
    added: await step.run("added", () => "added"),
  })),
  client.createFunction(returns, async ({ step }) => ({ kept: await step.run("kept", () => "kept again") })),
];
