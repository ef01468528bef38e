// Steps and functions that fail: for a while, for good, with a time to try again.
import { NonRetriableError, RetryAfterError } from "inngest";

import { client } from "../clients.mjs";
import { effect } from "../effects.mjs";

const toText = ({ name, message }) => `${name}: ${message}`;

export const recovers = client.createFunction(
  { id: "step-recovers", triggers: { event: "node/step-recovers" } },
  async ({ step, attempt }) => {
    const steady = await step.run("steady", () => "steady");
    const tries = await step.run("unsteady", () => {
      if (attempt < 2) throw new Error(`not at attempt ${attempt}`);
      return attempt;
    });
    return { steady, tries };
  },
);

export const caught = client.createFunction(
  { id: "step-caught", triggers: { event: "node/step-caught" }, retries: 2 },
  async ({ step }) => {
    try {
      await step.run("always", () => {
        throw new TypeError("never works", { cause: new Error("its cause") });
      });
    } catch (error) {
      const told = { error: toText(error), step: error.stepId, cause: error.cause?.message ?? null };
      return { ...told, instead: await step.run("instead", () => "plan B") };
    }
  },
);

export const uncaught = client.createFunction(
  { id: "step-uncaught", triggers: { event: "node/step-uncaught" }, retries: 1 },
  async ({ step }) => {
    await step.run("fine", () => "fine");
    await step.run("always", () => {
      throw new TypeError("never works");
    });
  },
);

export const notRetried = client.createFunction(
  { id: "step-not-retried", triggers: { event: "node/step-not-retried" } },
  async ({ event, step }) => {
    try {
      await step.run("once", () => {
        throw new NonRetriableError("no use trying");
      });
    } catch (error) {
      if (event.data.catches) return toText(error);
      throw error;
    }
  },
);

export const later = client.createFunction(
  { id: "step-later", triggers: { event: "node/step-later" } },
  async ({ step, attempt }) =>
    step.run("later", () => {
      if (attempt === 0) throw new RetryAfterError("in two seconds", "2s");
      return "later";
    }),
);

export const functionLater = client.createFunction(
  { id: "function-later", triggers: { event: "node/function-later" } },
  async ({ attempt }) => {
    if (attempt === 0) throw new RetryAfterError("at a time", new Date(Date.now() + 2000));
    return "later";
  },
);

export const fails = client.createFunction(
  { id: "function-fails", triggers: { event: "node/function-fails" }, retries: 2 },
  async ({ attempt }) => {
    throw new RangeError(`failed at attempt ${attempt}`);
  },
);

export const failsBetweenSteps = client.createFunction(
  { id: "function-recovers", triggers: { event: "node/function-recovers" } },
  async ({ step, attempt }) => {
    const before = await step.run("before", () => "before");
    if (attempt < 2) throw new Error("between the steps");
    const after = await step.run("after", () => "after");
    return [before, after];
  },
);

export const failsAtOnce = client.createFunction(
  { id: "function-at-once", triggers: { event: "node/function-at-once" } },
  async () => {
    throw new NonRetriableError("no use trying", { cause: new Error("its cause") });
  },
);

export const noRetries = client.createFunction(
  { id: "no-retries", triggers: { event: "node/no-retries" }, retries: 0 },
  async ({ event, step }) => {
    if (event.data.inStep) {
      await step.run("once", () => {
        throw new Error("once in a step");
      });
    }
    throw new Error("once");
  },
);

export const throwsOddly = client.createFunction(
  { id: "throws-oddly", triggers: { event: "node/throws-oddly" }, retries: 0 },
  async ({ event }) => {
    throw event.data.thrown;
  },
);

export const withHandler = client.createFunction(
  {
    id: "with-handler",
    triggers: { event: "node/with-handler" },
    retries: 0,
    onFailure: async ({ error, event, step }) => {
      const mailed = await step.run("mail", () => `mailed about ${error.message}`);
      const { function_id: failed, run_id: run, event: original } = event.data;
      effect(run, { mailed, failed, error: toText(error), original: original.name });
    },
  },
  async ({ step }) => {
    await step.run("fine", () => "fine");
    throw new RangeError("beyond repair");
  },
);
