import type { EventTriggers } from "./types";

export async function run({ event }: { event: EventTriggers }) {
  const { id } = event.data; // The event data that was sent.

  // You can do anything here: add the user to Stripe, send a welcome email, start a drip campaign.
  console.log(`welcome, ${id}`);

  return { status: 200, body: { welcomed: id } };
}
