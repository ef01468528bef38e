interface OrderPlaced {
  name: "order/placed";
  data: { id: string; total?: number; customer?: string };
}

export async function run({ event }: { event: OrderPlaced }) {
  const { id, total, customer } = event.data;
  const price = total === undefined ? "" : ` for ${total.toFixed(2)}`;
  const text = `${customer ?? "Someone"} placed order ${id}${price}.`;
  console.log(text);

  // The next step finds this under steps.compose.
  return { status: 200, body: { to: "orders@example.com", text } };
}
