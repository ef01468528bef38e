// step.waitForSignal and step.sendSignal.
import { client } from "../clients.mjs";

export const waits = client.createFunction(
  { id: "signal-wait", triggers: { event: "node/signal-wait" }, retries: 0 },
  async ({ event, step }) => {
    const signal = await step.waitForSignal("wait", {
      signal: event.data.signal,
      timeout: event.data.timeout ?? "1h",
      onConflict: event.data.onConflict ?? "fail",
    });
    return { signal };
  },
);

export const sends = client.createFunction(
  { id: "signal-send", triggers: { event: "node/signal-send" }, retries: 0 },
  async ({ event, step }) => step.sendSignal("send", { signal: event.data.signal, data: event.data.data }),
);
