// The environment, which the SDK reads itself, says where the server is, which mode it is in, and the keys.
import { Inngest } from "inngest";

import { recordingFetch } from "./calls.mjs";
import { appId, logger } from "./settings.mjs";

const newClient = (id) => new Inngest({ id, fetch: recordingFetch, logger });

export const client = newClient(appId);
export const otherClient = newClient(`${appId}-other`);
export const streamingClient = newClient(`${appId}-streaming`);
