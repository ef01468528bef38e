// Every call of a function, with what was answered, and every request that the SDK made of its own.

export const calls = [];
export const outgoing = [];

const now = () => Date.now() / 1000;

export function recordCalls(request, response, next) {
  if (request.method !== "POST") return next();
  const { ctx = {}, steps } = request.body;
  const call = {
    run: ctx.run_id ?? "",
    fn: request.query.fnId,
    step: request.query.stepId,
    attempt: ctx.attempt,
    immediate_off: ctx.disable_immediate_execution,
    use_api: ctx.use_api,
    max_attempts: ctx.max_attempts,
    may_checkpoint: ctx.fn_id !== undefined,
    stack: ctx.stack?.stack ?? [],
    steps: Object.keys(steps ?? {}),
    version: request.headers["x-inngest-req-version"],
    signed: request.headers["x-inngest-signature"] !== undefined,
    status: null,
    opcodes: null,
    at: now(),
    ended: null,
  };
  calls.push(call);
  const send = response.send;
  response.send = (body) => {
    if (response.statusCode === 206) call.opcodes = JSON.parse(body).map(({ op, displayName }) => [op, displayName]);
    return send.call(response, body);
  };
  response.on("finish", () => Object.assign(call, { status: response.statusCode, ended: now() }));
  next();
}

// The clients' fetch, which notes where it went.
export async function recordingFetch(input, init) {
  const url = new URL(input instanceof Request ? input.url : input);
  const response = await fetch(input, init);
  outgoing.push({ method: init?.method ?? "GET", path: url.pathname, status: response.status });
  return response;
}
