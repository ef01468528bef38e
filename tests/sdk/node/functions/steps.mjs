// step.run, its values and its ids; step.sleep.
import { client } from "../clients.mjs";

export const values = client.createFunction(
  { id: "values", triggers: { event: "node/values" } },
  async ({ event, step }) => ({
    nothing: await step.run("nothing", () => {}),
    null: await step.run("null", () => null),
    zero: await step.run("zero", () => 0),
    no: await step.run("no", () => false),
    empty: await step.run("empty", () => ""),
    text: await step.run("text", async () => `${event.data.text}!`),
    list: await step.run("list", () => [1, undefined, { deep: undefined, kept: null }]),
    date: await step.run("date", () => new Date(0)),
    error: await step.run("error", () => ({ error: "a value like any other" })),
    data: await step.run("data", () => ({ data: { data: 1 } })),
  }),
);

export const returnsNothing = client.createFunction(
  { id: "returns-nothing", triggers: { event: "node/returns-nothing" } },
  async () => {},
);

export const onlyOnce = client.createFunction(
  { id: "only-once", triggers: { event: "node/only-once" } },
  async ({ step }) => {
    const first = await step.run("first", () => Math.random());
    const second = await step.run("second", () => ({ first, random: Math.random() }));
    const third = await step.run("third", () => second);
    return { first, second, third };
  },
);

export const inputs = client.createFunction(
  { id: "inputs", triggers: { event: "node/inputs" } },
  async ({ event, step }) => {
    const add = (one, other) => one + other;
    const sum = await step.run("add", add, event.data.one, event.data.other);
    const wrapped = await step.ai.wrap("wrapped", async (prompt) => ({ said: prompt.toUpperCase() }), "hello");
    return { sum, wrapped };
  },
);

export const ids = client.createFunction(
  { id: "ids", triggers: { event: "node/ids" } },
  async ({ step }) => {
    const looped = [];
    for (let turn = 0; turn < 3; turn++) {
      looped.push(await step.run("again", () => turn));
    }
    return {
      looped,
      taken: await step.run("again:1", () => "an id that the loop has had"),
      unicode: await step.run("größe 尺寸 🦆", () => "duck"),
      odd: await step.run("../?fnId=&%00\n\"'", () => "odd"),
      long: await step.run("x".repeat(1000), () => "long"),
      named: await step.run({ id: "by id", name: "By its name" }, () => "named"),
      step: await step.run("step", () => "as the function itself is called"),
    };
  },
);

export const sleeps = client.createFunction(
  { id: "sleeps", triggers: { event: "node/sleeps" } },
  async ({ step }) => {
    const began = await step.run("began", () => Date.now());
    await step.sleep("a second", "1s");
    const awake = await step.run("awake", () => Date.now());
    await step.sleep("in milliseconds", 1000);
    await step.sleepUntil("long ago", new Date(0));
    await step.sleepUntil("soon", new Date(began + 3000));
    const ended = await step.run("ended", () => Date.now());
    return { slept: awake - began, took: ended - began };
  },
);

export const large = client.createFunction(
  { id: "large", triggers: { event: "node/large" } },
  async ({ event, events, step }) => {
    const letters = await step.run("write", () => "x".repeat(event.data.bytes));
    const [one, two] = await Promise.all([
      step.run("one", () => letters.length + 1),
      step.run("two", () => letters.length + 2),
    ]);
    return { length: letters.length, one, two, events: events.length, filling: event.data.filling.length };
  },
);

export const repeats = client.createFunction(
  { id: "repeats", triggers: { event: "node/repeats" } },
  async ({ event, step }) => step.run("repeat", () => event.data),
);
