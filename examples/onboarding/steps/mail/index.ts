interface AccountCreated {
  name: "account/created";
  data: { id: string; email: string; seats?: number };
}

// One module serves several steps: the step's own id says which mail it is.
const texts: Record<string, string> = {
  welcome: "Welcome! Please confirm your address.",
  call: "Shall we call you?",
  tips: "Three things to try first.",
  thank: "Thank you for confirming.",
  remind: "Your address is not confirmed yet.",
};

export async function run({ event, ctx }: { event: AccountCreated; ctx: { step_id: string } }) {
  const text = texts[ctx.step_id];
  console.log(`to ${event.data.email}: ${text}`);
  return { status: 200, body: { to: event.data.email, text } };
}
