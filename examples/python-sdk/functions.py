"""An order's way through a small shop: what the FastAPI app and the Django app both serve."""

import datetime
import logging

import inngest

client = inngest.Inngest(app_id="python-sdk", logger=logging.getLogger("uvicorn.inngest"))


@client.create_function(
    fn_id="send-receipt",
    trigger=inngest.TriggerEvent(event="shop/receipt.asked"),
)
async def send_receipt(ctx: inngest.Context) -> dict[str, object]:
    async def render() -> str:
        return f"Thank you, {ctx.event.data['customer']}: {ctx.event.data['total']} paid."

    text = await ctx.step.run("render", render)
    return {"sent": True, "text": text}


async def order_failed(ctx: inngest.Context) -> None:
    ctx.logger.error("an order failed: run %s", ctx.event.data["run_id"])


@client.create_function(
    fn_id="place-order",
    name="Place an order",
    trigger=inngest.TriggerEvent(event="shop/order.placed"),
    retries=2,
    on_failure=order_failed,
)
async def place_order(ctx: inngest.Context) -> dict[str, object]:
    order = ctx.event.data
    step = ctx.step

    async def check_stock() -> int:
        if order.get("item") == "unicorn":
            raise inngest.NonRetriableError("We are out of unicorns.")
        return 7

    async def charge(total: object) -> dict[str, object]:
        return {"charged": total}

    async def print_label() -> str:
        return f"label for {order['customer']}"

    left = await step.run("check-stock", check_stock)

    payment, label = await ctx.group.parallel(
        (
            lambda: step.run("charge", charge, order["total"]),
            lambda: step.run("print-label", print_label),
        )
    )

    await step.sleep("pack", datetime.timedelta(seconds=3))

    delivered = await step.wait_for_event(
        "delivery",
        event="shop/order.delivered",
        if_exp="async.data.id == event.data.id",
        timeout=datetime.timedelta(minutes=1),
    )

    receipt = await step.invoke(
        "receipt",
        function=send_receipt,
        data={"customer": order["customer"], "total": order["total"]},
    )

    await step.send_event(
        "close",
        inngest.Event(name="shop/order.closed", data={"id": order["id"], "delivered": delivered is not None}),
    )
    return {"left": left, "payment": payment, "label": label, "receipt": receipt}


functions = [place_order, send_receipt]
