import { Inngest, NonRetriableError } from "inngest";

export const inngest = new Inngest({ id: "typescript-sdk" });

type Signup = { id: string; email: string };

const welcome = inngest.createFunction(
  { id: "send-welcome", triggers: [{ event: "app/welcome.asked" }] },
  async ({ event, step }) => {
    const text = await step.run("render", () => `Welcome, ${event.data.email}!`);
    return { sent: true, text };
  },
);

const signup = inngest.createFunction(
  {
    id: "sign-up",
    name: "Sign up",
    retries: 2,
    triggers: [{ event: "app/user.signed.up" }],
    onFailure: async ({ error, logger }) => {
      logger.error(`a sign-up failed: ${error.message}`);
    },
  },
  async ({ event, step }) => {
    const user = event.data as Signup;

    await step.run("check-address", () => {
      if (!user.email.includes("@")) throw new NonRetriableError(`${user.email} is no address`);
    });

    const [account, avatar] = await Promise.all([
      step.run("create-account", () => ({ id: user.id, plan: "free" })),
      step.run("draw-avatar", () => `${user.email[0]}.png`),
    ]);

    await step.sleep("let-them-look-around", "3s");

    const confirmed = await step.waitForEvent("confirmation", {
      event: "app/user.confirmed",
      timeout: "1m",
      if: "async.data.id == event.data.id",
    });

    const mail = await step.invoke("welcome", { function: welcome, data: { email: user.email } });

    await step.sendEvent("tell-others", {
      name: "app/user.ready",
      data: { id: user.id, confirmed: confirmed !== null },
    });

    return { account, avatar, mail };
  },
);

export const functions = [signup, welcome];
