// The streaming app's: every answer is a 201 whose body says what it is.
import { streamingClient as client } from "../clients.mjs";

export const streams = client.createFunction(
  { id: "streams", triggers: { event: "node/streams" }, retries: 1 },
  async ({ step, attempt }) => {
    const one = await step.run("one", () => 1);
    const slow = await step.run("slow", () => new Promise((resolve) => setTimeout(resolve, 4500, "slow")));
    const both = await Promise.all([step.run("two", () => 2), step.run("three", () => 3)]);
    if (attempt === 0) throw new Error("streamed too");
    return [one, slow, ...both];
  },
);

export const streamsAnError = client.createFunction(
  { id: "streams-error", triggers: { event: "node/streams-error" }, retries: 0 },
  async () => {
    throw new RangeError("streamed");
  },
);
