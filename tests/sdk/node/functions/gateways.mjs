// step.fetch and step.ai.infer: requests that the server makes.
import { openai } from "inngest";

import { client } from "../clients.mjs";

export const fetches = client.createFunction(
  { id: "fetches", triggers: { event: "node/fetches" } },
  async ({ event, step }) => {
    const { url } = event.data;
    const got = await step.fetch(`${url}/echo`, { headers: { "x-asked": "politely" } });
    const posted = await step.fetch(`${url}/echo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ number: 1 }),
    });
    const missing = await step.fetch(`${url}/echo?status=404`);
    return {
      got: { status: got.status, header: got.headers.get("x-echo"), body: await got.json() },
      posted: { status: posted.status, body: await posted.json() },
      missing: { status: missing.status, ok: missing.ok },
    };
  },
);

export const fetchesNobody = client.createFunction(
  { id: "fetches-nobody", triggers: { event: "node/fetches-nobody" }, retries: 1 },
  async ({ step }) => {
    try {
      await step.fetch("http://127.0.0.1:1/");
    } catch (error) {
      return { caught: error.message };
    }
  },
);

export const infers = client.createFunction(
  { id: "infers", triggers: { event: "node/infers" } },
  async ({ event, step }) => {
    const answer = await step.ai.infer("ask", {
      model: openai({ model: "gpt-4o", apiKey: "sk-test", baseUrl: `${event.data.url}/openai` }),
      body: { messages: [{ role: "user", content: event.data.question }] },
    });
    return { model: answer.model, said: answer.choices[0].message.content };
  },
);
