// step.waitForEvent.
import { client } from "../clients.mjs";

export const matches = client.createFunction(
  { id: "wait-match", triggers: { event: "node/wait-match" } },
  async ({ step }) => {
    const answer = await step.waitForEvent("answer", { event: "node/answer", match: "data.order", timeout: "1h" });
    return { name: answer.name, data: answer.data };
  },
);

export const onCondition = client.createFunction(
  { id: "wait-if", triggers: { event: "node/wait-if" } },
  async ({ step }) => {
    const answer = await step.waitForEvent("enough", {
      event: "node/offer",
      if: "async.data.order == event.data.order && async.data.price >= event.data.least",
      timeout: "1h",
    });
    return answer.data.price;
  },
);

export const timesOut = client.createFunction(
  { id: "wait-null", triggers: { event: "node/wait-null" } },
  async ({ step }) => {
    const answer = await step.waitForEvent("nobody answers", { event: "node/never", timeout: "1s" });
    return { answer };
  },
);

// The answer is sent while the wait is being opened.
export const answersItself = client.createFunction(
  { id: "wait-race", triggers: { event: "node/wait-race" } },
  async ({ event, step }) => {
    const [answer] = await Promise.all([
      step.waitForEvent("wait", { event: "node/own-answer", match: "data.order", timeout: "20s" }),
      step.sendEvent("answer", { name: "node/own-answer", data: { order: event.data.order } }),
    ]);
    return { answered: answer?.data.order ?? null };
  },
);

export const inTurn = client.createFunction(
  { id: "wait-turns", triggers: { event: "node/wait-turns" } },
  async ({ event, step }) => {
    const turns = [];
    for (let turn = 0; turn < 3; turn++) {
      const [answer] = await Promise.all([
        step.waitForEvent("turn", {
          event: "node/turn",
          if: `async.data.order == event.data.order && async.data.turn == ${turn}`,
          timeout: "20s",
        }),
        step.sendEvent("next", { name: "node/turn", data: { order: event.data.order, turn } }),
      ]);
      turns.push(answer?.data.turn ?? null);
    }
    return turns;
  },
);
