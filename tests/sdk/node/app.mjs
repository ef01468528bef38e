// An Express app as its users write it, on the official SDK; see ../harness.py for what the tests ask of it.
// SDK says which version it is on, "4" or "3" (they do not bear each other in one process).
import express from "express";

import { calls, outgoing, recordCalls } from "./calls.mjs";
import { effects } from "./effects.mjs";
import { neighbours } from "./neighbours.mjs";

const { client, mount } = await import(process.env.SDK === "3" ? "./version3.mjs" : "./version4.mjs");
const ofRun = (list, run) => (run ? list.filter((one) => one.run === run) : list);

const app = express();
app.use(express.json({ limit: "20mb" }));
app.use(neighbours);
app.use("/api", recordCalls);
mount(app);

// What tests look at.
app.get("/calls", (request, response) => response.json(ofRun(calls, request.query.run)));
app.get("/effects", (request, response) => response.json(ofRun(effects, request.query.run)));
app.get("/outgoing", (request, response) => response.json(outgoing));

// What the app's own users do: something happens, and the app sends events.
app.post("/send", async (request, response) => {
  try {
    response.json(await client.send(request.body));
  } catch (error) {
    response.status(500).json({ error: error.message });
  }
});

app.listen(Number(process.env.PORT), "127.0.0.1");
