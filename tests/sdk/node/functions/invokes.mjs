// step.invoke: of this app's functions, of another app's, of one that fails, is not there, or takes too long.
import { referenceFunction } from "inngest";

import { client, otherClient } from "../clients.mjs";

async function caught(promise) {
  try {
    return { data: await promise };
  } catch (error) {
    return { name: error.name, message: error.message };
  }
}

export const doubles = client.createFunction(
  { id: "doubles", triggers: { event: "node/doubles" } },
  async ({ event, step }) => {
    const doubled = await step.run("double", () => 2 * event.data.number);
    return { doubled, name: event.name };
  },
);

export const fails = client.createFunction({ id: "invoked-fails", retries: 0 }, async () => {
  throw new TypeError("the invoked function cannot");
});

export const sleepsLong = client.createFunction({ id: "invoked-sleeps" }, async ({ step }) => {
  await step.sleep("long", "1h");
});

export const returnsNothing = client.createFunction({ id: "invoked-nothing" }, async () => {});

export const invokes = client.createFunction(
  { id: "invokes", triggers: { event: "node/invokes" } },
  async ({ event, step }) => {
    const number = event.data.number;
    const own = await step.invoke("own", { function: doubles, data: { number } });
    const nothing = await step.invoke("nothing", { function: returnsNothing });
    const byName = await step.invoke("by name", {
      function: referenceFunction({ functionId: "doubles" }),
      data: { number: number + 1 },
    });
    const elsewhere = await step.invoke("elsewhere", {
      function: referenceFunction({ functionId: "doubles", appId: otherClient.id }),
      data: { number: number + 2 },
    });
    return { own, nothing, byName, elsewhere };
  },
);

export const invokesFailing = client.createFunction(
  { id: "invokes-failing", triggers: { event: "node/invokes-failing" } },
  async ({ step }) => caught(step.invoke("fails", { function: fails })),
);

export const invokesMissing = client.createFunction(
  { id: "invokes-missing", triggers: { event: "node/invokes-missing" } },
  async ({ step }) => caught(step.invoke("missing", { function: referenceFunction({ functionId: "not-there" }) })),
);

export const invokesTooLong = client.createFunction(
  { id: "invokes-too-long", triggers: { event: "node/invokes-too-long" } },
  async ({ step }) => caught(step.invoke("too long", { function: sleepsLong, timeout: "1s" })),
);

export const failsWithTheInvoked = client.createFunction(
  { id: "invokes-uncaught", triggers: { event: "node/invokes-uncaught" } },
  async ({ step }) => step.invoke("fails", { function: fails }),
);

// The other app's.
export const doublesElsewhere = otherClient.createFunction({ id: "doubles" }, async ({ event }) => ({
  doubled: 2 * event.data.number,
  elsewhere: true,
}));

export const acrossApps = otherClient.createFunction(
  { id: "across-apps", triggers: { event: "node/across-apps" } },
  async ({ event, step }) => step.invoke("in the first app", { function: doubles, data: event.data }),
);
