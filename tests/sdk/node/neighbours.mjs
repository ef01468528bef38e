// Other people's services, which functions call: one that answers what it was asked, and one that infers.
import { Router } from "express";

export const neighbours = Router();

neighbours.all("/echo", (request, response) => {
  response
    .status(Number(request.query.status ?? 200))
    .set("x-echo", "heard")
    .json({ method: request.method, body: request.body ?? null, header: request.headers["x-asked"] ?? null });
});

neighbours.post("/openai/chat/completions", (request, response) => {
  const { model, messages } = request.body;
  response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    model,
    choices: [
      {
        index: 0,
        finish_reason: "stop",
        message: { role: "assistant", content: `${request.headers.authorization}: ${messages.at(-1).content}` },
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });
});
