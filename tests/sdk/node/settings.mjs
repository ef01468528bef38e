// For clients of both versions.
export const appId = process.env.APP_ID ?? "node";

// Silent: functions of tests fail a lot.
export const logger = { debug() {}, info() {}, warn() {}, error() {} };
