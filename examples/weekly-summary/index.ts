interface ScheduledTimer {
  name: "inngest/scheduled.timer";
  data: { cron: string };
  ts: number; // The time of the tick, in milliseconds.
}

export async function run({ event }: { event: ScheduledTimer }) {
  const week = new Date(event.ts).toISOString().slice(0, 10);
  console.log(`the summary of the week before ${week}`);
  return { status: 200, body: { week } };
}
