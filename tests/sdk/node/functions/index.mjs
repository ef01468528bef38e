import { client, otherClient } from "../clients.mjs";
import * as errors from "./errors.mjs";
import * as events from "./events.mjs";
import * as gateways from "./gateways.mjs";
import * as invokes from "./invokes.mjs";
import * as middleware from "./middleware.mjs";
import * as parallel from "./parallel.mjs";
import * as signals from "./signals.mjs";
import * as steps from "./steps.mjs";
import * as streaming from "./streaming.mjs";
import * as triggers from "./triggers.mjs";
import * as waits from "./waits.mjs";

const modules = [errors, events, gateways, invokes, middleware, parallel, signals, steps, triggers, waits];
const functions = modules.flatMap((module) => Object.values(module));

export const ofApp = functions.filter((one) => one.client === client);
export const ofOtherApp = functions.filter((one) => one.client === otherClient);
export const ofStreamingApp = Object.values(streaming);
