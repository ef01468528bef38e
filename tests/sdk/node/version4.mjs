// Three apps in one process, one of which streams its answers; or, by FUNCTIONS, the app of a day in changing.mjs.
import { serve } from "inngest/express";

import * as changing from "./changing.mjs";
import { client, otherClient, streamingClient } from "./clients.mjs";
import * as functions from "./functions/index.mjs";

export { client };

export function mount(app) {
  const day = process.env.FUNCTIONS;
  app.use("/api/inngest", serve({ client, functions: day ? changing[day] : functions.ofApp }));
  if (day) return;
  app.use("/api/other", serve({ client: otherClient, functions: functions.ofOtherApp }));
  app.use("/api/streaming", serve({ client: streamingClient, functions: functions.ofStreamingApp, streaming: true }));
}
