// What many apps still run on: version 3 of the SDK.
import { Inngest, NonRetriableError } from "inngest-v3";
import { serve } from "inngest-v3/express";

import { recordingFetch } from "./calls.mjs";
import { effect } from "./effects.mjs";
import { appId, logger } from "./settings.mjs";

export const client = new Inngest({ id: appId, fetch: recordingFetch, logger });

const invoked = client.createFunction(
  { id: "invoked" },
  { event: "node-v3/invoked" },
  async ({ event }) => event.data.number + 1,
);

const functions = [
  invoked,
  client.createFunction({ id: "sequence" }, { event: "node-v3/sequence" }, async ({ event, step }) => {
    const ran = await step.run("run", () => ({ number: event.data.number, nothing: undefined }));
    await step.sleep("sleep", "1s");
    const invocation = await step.invoke("invoke", { function: invoked, data: ran });
    const [answer] = await Promise.all([
      step.waitForEvent("wait", { event: "node-v3/answer", match: "data.order", timeout: "20s" }),
      step.sendEvent("send", { name: "node-v3/answer", data: { order: event.data.order } }),
    ]);
    const silence = await step.waitForEvent("silence", { event: "node-v3/never", timeout: "1s" });
    return { ran, invocation, answered: answer?.data.order ?? null, silence };
  }),
  client.createFunction({ id: "parallel" }, { event: "node-v3/parallel" }, async ({ event, step }) =>
    Promise.all([...Array(event.data.branches).keys()].map((branch) => step.run(`branch ${branch}`, () => branch))),
  ),
  client.createFunction({ id: "recovers" }, { event: "node-v3/recovers" }, async ({ step, attempt }) =>
    step.run("unsteady", () => {
      if (attempt < 2) throw new Error(`not at attempt ${attempt}`);
      return attempt;
    }),
  ),
  client.createFunction(
    {
      id: "fails",
      retries: 3,
      onFailure: ({ error, event }) => effect(event.data.run_id, { error: `${error.name}: ${error.message}` }),
    },
    { event: "node-v3/fails" },
    async ({ step }) => {
      await step.run("once", () => {
        throw new NonRetriableError("no use trying");
      });
    },
  ),
];

export function mount(app) {
  app.use("/api/inngest", serve({ client, functions }));
}
