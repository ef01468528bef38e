// Sending events from within functions, and the server's own events.
import { client } from "../clients.mjs";
import { effect } from "../effects.mjs";

export const sendsEvents = client.createFunction(
  { id: "sends-events", triggers: { event: "node/sends-events" } },
  async ({ event, step }) => {
    const { order } = event.data;
    const one = await step.sendEvent("one", { name: "node/sent", data: { order, number: 1 } });
    const two = await step.sendEvent("two", [
      { name: "node/sent", data: { order, number: 2 } },
      { name: "node/sent", data: { order, number: 3 } },
    ]);
    const inStep = await step.run("in a step", () => client.send({ name: "node/sent", data: { order, number: 4 } }));
    return { one: one.ids, two: two.ids, inStep: inStep.ids };
  },
);

export const hears = client.createFunction({ id: "hears", triggers: { event: "node/sent" } }, async ({ event }) => event.data);

const END = ["finished", "failed", "cancelled"];

export const [finished, failed, cancelled] = END.map((end) =>
  client.createFunction(
    { id: `on-${end}`, triggers: { event: `inngest/function.${end}`, if: "event.data.function_id.endsWith('-watched')" } },
    async ({ event }) => {
      const { run_id: run, error, result } = event.data;
      effect(run, { end, error: error?.message ?? null, result: result ?? null, event: event.data.event.name });
    },
  ),
);

export const watched = client.createFunction(
  {
    id: "watched",
    triggers: { event: "node/watched" },
    retries: 0,
    cancelOn: [{ event: "node/unwatched", match: "data.order" }],
  },
  async ({ event, step }) => {
    if (event.data.fails) throw new Error("watched and failed");
    if (event.data.sleeps) await step.sleep("long", "1h");
    return "watched";
  },
);
