type Outputs = Record<string, { status: number }>;

export async function run({ event, steps }: { event: { data: { id: string } }; steps: Outputs }) {
  const confirmed = "thank" in steps;
  console.log(`${event.data.id} ${confirmed ? "has" : "has not"} confirmed, after ${Object.keys(steps).length} mails`);
  return { status: 200, body: { confirmed, mails: Object.keys(steps) } };
}
