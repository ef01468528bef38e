// Promise.all and Promise.race, group.parallel, and the older way, where every step that ends calls again.
import { client } from "../clients.mjs";
import { doubles } from "./invokes.mjs";

const range = (count) => [...Array(count).keys()];

export const all = client.createFunction(
  { id: "parallel-all", triggers: { event: "node/parallel-all" } },
  async ({ event, step }) => {
    const branches = await Promise.all(
      range(event.data.branches).map((branch) => step.run(`branch ${branch}`, () => branch)),
    );
    return { branches };
  },
);

export const thenOne = client.createFunction(
  { id: "parallel-then-one", triggers: { event: "node/parallel-then-one" } },
  async ({ step }) => {
    const before = await step.run("before", () => "before");
    const both = await Promise.all([step.run("one", () => 1), step.run("two", () => 2)]);
    const after = await step.run("after", () => "after");
    return [before, ...both, after];
  },
);

export const chains = client.createFunction(
  { id: "parallel-chains", triggers: { event: "node/parallel-chains" } },
  async ({ step }) => {
    const chain = async (name) => {
      const first = await step.run(`${name} first`, () => `${name} 1`);
      const second = await step.run(`${name} second`, () => `${name} 2`);
      return [first, second];
    };
    return Promise.all([chain("left"), chain("right")]);
  },
);

export const mixed = client.createFunction(
  { id: "parallel-mixed", triggers: { event: "node/parallel-mixed" } },
  async ({ event, step }) => {
    const [ran, slept, waited, invoked] = await Promise.all([
      step.run("run", () => "ran"),
      step.sleep("sleep", "1s"),
      step.waitForEvent("wait", { event: "node/never", timeout: "1s" }),
      step.invoke("invoke", { function: doubles, data: { number: event.data.number } }),
    ]);
    return { ran, slept: slept ?? null, waited, invoked };
  },
);

export const withFailing = client.createFunction(
  { id: "parallel-failing", triggers: { event: "node/parallel-failing" }, retries: 1 },
  async ({ step }) => {
    const settled = await Promise.allSettled([
      step.run("well", () => "well"),
      step.run("badly", () => {
        throw new RangeError("out of bounds");
      }),
    ]);
    return settled.map(({ status, value, reason }) => [status, value ?? `${reason.name}: ${reason.message}`]);
  },
);

const first = (step) =>
  Promise.race([
    step.run("quick", () => "quick"),
    step.sleep("slow", "3s").then(() => "slow"),
    step.waitForEvent("silent", { event: "node/never", timeout: "4s" }).then(() => "silent"),
  ]);

// All have to end before the function goes on.
export const race = client.createFunction(
  { id: "race", triggers: { event: "node/race" } },
  async ({ step }) => ({ winner: await first(step), at: await step.run("at", () => Date.now()) }),
);

// It goes on with the first that ends; the SDK returns when the others have ended as well.
export const groupRace = client.createFunction(
  { id: "group-race", triggers: { event: "node/group-race" } },
  async ({ step, group }) => {
    const winner = await group.parallel({ mode: "race" }, () => first(step));
    const after = await step.run("after", () => `after ${winner}`);
    return { winner, after };
  },
);

export const groupRaceOfRuns = client.createFunction(
  { id: "group-race-runs", triggers: { event: "node/group-race-runs" } },
  async ({ event, step, group }) =>
    group.parallel(() =>
      Promise.all(range(event.data.branches).map((branch) => step.run(`branch ${branch}`, () => branch))),
    ),
);

export const notOptimized = client.createFunction(
  { id: "not-optimized", triggers: { event: "node/not-optimized" }, optimizeParallelism: false },
  async ({ event, step }) =>
    Promise.all(range(event.data.branches).map((branch) => step.run(`branch ${branch}`, () => branch))),
);

// What one chain sleeps, the other one goes on meanwhile.
export const chainsNotOptimized = client.createFunction(
  { id: "chains-not-optimized", triggers: { event: "node/chains-not-optimized" }, optimizeParallelism: false },
  async ({ step }) => {
    const left = async () => {
      const first = await step.run("left first", () => 1);
      await step.sleep("left second", "4s");
      return step.run("left third", () => first + 2);
    };
    const right = async () => {
      await step.sleep("right first", "1s");
      const second = await step.run("right second", () => 2);
      return step.run("right third", () => second + 1);
    };
    return Promise.all([left(), right()]);
  },
);
