// A function with middleware that changes what goes to the server, and what comes back.
import { Middleware } from "inngest";

import { client } from "../clients.mjs";

const sealed = (value) => ({ sealed: Buffer.from(JSON.stringify(value ?? null)).toString("base64") });
const opened = (value) => (value?.sealed ? JSON.parse(Buffer.from(value.sealed, "base64")) : value);

class Sealing extends Middleware.BaseMiddleware {
  id = "sealing";

  transformFunctionInput(arg) {
    return { ...arg, ctx: { ...arg.ctx, injected: "by the middleware" } };
  }

  async wrapStepHandler({ next }) {
    return sealed(await next());
  }

  async wrapStep({ next }) {
    return opened(await next());
  }

  transformSendEvent(arg) {
    return { ...arg, events: arg.events.map((event) => ({ ...event, data: { ...event.data, stamped: true } })) };
  }
}

export const withMiddleware = client.createFunction(
  { id: "middleware", triggers: { event: "node/middleware" }, middleware: [Sealing] },
  async ({ event, step, injected }) => {
    const secret = await step.run("secret", () => ({ word: "sesame" }));
    const [answer] = await Promise.all([
      step.waitForEvent("wait", { event: "node/stamped", match: "data.order", timeout: "20s" }),
      step.sendEvent("send", { name: "node/stamped", data: { order: event.data.order } }),
    ]);
    return { secret, injected, stamped: answer?.data.stamped ?? null };
  },
);
