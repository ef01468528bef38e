interface Input {
  event: { data: { order_id: string } };
  steps: { "send-welcome": { status: number; sent_to: string } };
}

export async function run({ event, steps }: Input) {
  const { sent_to } = steps["send-welcome"];
  console.log(`reminding ${sent_to}`);
  return { reminded: sent_to, of: event.data.order_id };
}
