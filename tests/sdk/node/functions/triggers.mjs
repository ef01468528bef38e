// What starts a function, how often, and what cancels it.
import { client } from "../clients.mjs";

export const onCondition = client.createFunction(
  { id: "trigger-if", triggers: { event: "node/measured", if: "event.data.degrees > 30" } },
  async ({ event }) => event.data.degrees,
);

export const several = client.createFunction(
  {
    id: "triggers",
    triggers: [{ event: "node/opened" }, { event: "node/closed", if: "event.data.loudly" }, { cron: "TZ=Europe/Paris 0 0 1 1 *" }],
  },
  async ({ event }) => event.name,
);

export const yearly = client.createFunction(
  { id: "yearly", triggers: { cron: "0 0 1 1 *" } },
  async ({ event }) => ({ name: event.name, cron: event.data.cron ?? null }),
);

export const once = client.createFunction(
  { id: "once", triggers: { event: "node/once" }, idempotency: "event.data.order" },
  async ({ event }) => event.data.order,
);

export const cancelled = client.createFunction(
  {
    id: "cancelled",
    triggers: { event: "node/cancelled" },
    cancelOn: [
      { event: "node/cancel", match: "data.order" },
      { event: "node/cancel-if", if: "async.data.order == event.data.order && async.data.really" },
    ],
  },
  async ({ step }) => {
    await step.run("before", () => "before");
    await step.sleep("long", "1h");
  },
);

export const cancelledTooLate = client.createFunction(
  {
    id: "cancelled-too-late",
    triggers: { event: "node/cancelled-too-late" },
    cancelOn: [{ event: "node/cancel-soon", match: "data.order", timeout: "1s" }],
  },
  async ({ event, step }) => {
    await step.sleep("past the time-out", "2s");
    await step.sendEvent("cancel", { name: "node/cancel-soon", data: { order: event.data.order } });
    await step.sleep("time to be cancelled", "2s");
    return "not cancelled";
  },
);
