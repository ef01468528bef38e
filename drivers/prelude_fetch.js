// `fetch` and what belongs to it, as far as a step needs it. Evaluated beside prelude.js, into the memory of steps that list hosts.
// Whether a request may be made is not decided here but by the host, which believes nothing that comes from here.
(function (begin, stop, decode, setTimer) {
  "use strict";
  const { parse, stringify } = JSON;
  const FORM = "application/x-www-form-urlencoded;charset=UTF-8", TEXT = "text/plain;charset=UTF-8";
  const NO_BODY = [101, 204, 205, 304];

  // ---- Headers --------------------------------------------------------------------------------------------------
  const nameOf = (name) => {
    const text = String(name);
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) throw new TypeError(`${stringify(text)} is not the name of a header`);
    return text.toLowerCase();
  };
  const valueOf = (value) => {
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (/[^\t -~\x80-\xff]/.test(text)) throw new TypeError("a header's value has characters that cannot be sent");
    return text;
  };
  class Headers {
    #kept = new Map(); // values by name, each name's in the order in which they came
    constructor(init) {
      if (init === undefined || init === null) return;
      if (typeof init !== "object") throw new TypeError("headers are an object, a list of pairs, or Headers");
      const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
      for (const pair of pairs) {
        const both = [...pair];
        if (both.length !== 2) throw new TypeError("a header is a pair of name and value");
        this.append(both[0], both[1]);
      }
    }
    append(name, value) {
      const key = nameOf(name), text = valueOf(value);
      if (this.#kept.has(key)) this.#kept.get(key).push(text);
      else this.#kept.set(key, [text]);
    }
    set(name, value) { this.#kept.set(nameOf(name), [valueOf(value)]); }
    delete(name) { this.#kept.delete(nameOf(name)); }
    has(name) { return this.#kept.has(nameOf(name)); }
    get(name) { return this.#kept.get(nameOf(name))?.join(", ") ?? null; }
    getSetCookie() { return [...(this.#kept.get("set-cookie") ?? [])]; }
    forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
    *entries() {
      for (const name of [...this.#kept.keys()].sort()) {
        const values = this.#kept.get(name) ?? [];
        if (name === "set-cookie") for (const value of values) yield [name, value];
        else yield [name, values.join(", ")];
      }
    }
    *keys() { for (const [name] of this) yield name; }
    *values() { for (const [, value] of this) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    get [Symbol.toStringTag]() { return "Headers"; }
    toJSON() { return Object.fromEntries(this); }
  }

  // ---- bodies ---------------------------------------------------------------------------------------------------
  const encoder = new TextEncoder();
  // The bytes or the text, and the type that it has if nobody says another. A text is sent as it is, without a copy.
  const bodyOf = (body) => {
    if (body === undefined || body === null) return [null, null];
    if (ArrayBuffer.isView(body)) return [new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice(), null];
    if (body instanceof ArrayBuffer) return [new Uint8Array(body.slice(0)), null];
    const { URLSearchParams } = globalThis; // not ours; the step's own bundle may bring one
    const form = typeof URLSearchParams === "function" && body instanceof URLSearchParams;
    return [String(body).toWellFormed(), form ? FORM : TEXT];
  };
  const bytesOf = (content) => (typeof content === "string" ? encoder.encode(content) : content);

  const statusText = (text) => {
    const written = String(text);
    if (/[^\t -~\x80-\xff]/.test(written)) throw new TypeError("statusText has characters that it cannot have");
    return written;
  };
  class Response {
    #content; #used = false; #headers; #status; #statusText; #url = ""; #redirected = false; #type = "default";
    constructor(body = null, { status = 200, statusText: text = "", headers } = {}) {
      const code = Number(status);
      if (!Number.isInteger(code) || code < 200 || code > 599) throw new RangeError(`${String(status)} is not the status of a Response`);
      const [content, type] = bodyOf(body);
      if (content !== null && NO_BODY.includes(code)) throw new TypeError(`a Response with status ${code} has no body`);
      this.#content = content;
      this.#status = code;
      this.#statusText = statusText(text);
      this.#headers = new Headers(headers);
      if (type !== null && !this.#headers.has("content-type")) this.#headers.set("content-type", type);
    }
    static json(value, init = {}) {
      const text = stringify(value);
      if (text === undefined) throw new TypeError("the value cannot be written as JSON");
      const headers = new Headers(init.headers);
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      return new Response(text, { ...init, headers });
    }
    static made({ status, statusText, headers, url, redirected }, content) {
      const made = new Response();
      made.#content = NO_BODY.includes(status) ? null : content;
      made.#status = status;
      made.#statusText = statusText;
      for (const [name, value] of headers) made.#headers.append(name, value);
      made.#url = url;
      made.#redirected = redirected;
      made.#type = "basic";
      return made;
    }
    get status() { return this.#status; }
    get ok() { return this.#status >= 200 && this.#status < 300; }
    get statusText() { return this.#statusText; }
    get headers() { return this.#headers; }
    get url() { return this.#url; }
    get redirected() { return this.#redirected; }
    get type() { return this.#type; }
    get bodyUsed() { return this.#used; }
    #take() {
      if (this.#used) throw new TypeError("the body has been read already");
      const content = this.#content;
      if (content !== null) {
        this.#used = true;
        this.#content = null;
      }
      return content ?? "";
    }
    async text() {
      const content = this.#take();
      return typeof content === "string" ? content : decode(content);
    }
    async json() { return parse(await this.text()); }
    async bytes() { return bytesOf(this.#take()); }
    async arrayBuffer() { return bytesOf(this.#take()).buffer; }
    clone() {
      if (this.#used) throw new TypeError("a body that has been read cannot be cloned");
      const made = new Response();
      made.#content = typeof this.#content === "string" || this.#content === null ? this.#content : this.#content.slice();
      made.#status = this.#status;
      made.#statusText = this.#statusText;
      made.#headers = new Headers(this.#headers);
      made.#url = this.#url;
      made.#redirected = this.#redirected;
      made.#type = this.#type;
      return made;
    }
    get [Symbol.toStringTag]() { return "Response"; }
  }
  const made = Response.made;
  delete Response.made;

  // ---- AbortController ------------------------------------------------------------------------------------------
  let letSignalsBeMade = false;
  let abort;
  class AbortSignal {
    #listeners = new Map();
    #aborted = false;
    #reason = undefined;
    onabort = null;
    constructor() {
      if (!letSignalsBeMade) throw new TypeError("an AbortSignal is made by an AbortController");
    }
    static {
      abort = (signal, reason) => {
        if (signal.#aborted) return;
        signal.#aborted = true;
        signal.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
        const event = { type: "abort", target: signal, currentTarget: signal };
        const called = [...signal.#listeners.keys()];
        if (typeof signal.onabort === "function") called.push(signal.onabort);
        signal.#listeners.clear();
        for (const listener of called) {
          if (typeof listener === "function") listener.call(signal, event);
          else listener.handleEvent(event);
        }
      };
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() { if (this.#aborted) throw this.#reason; }
    addEventListener(type, listener) { if (type === "abort" && listener && !this.#aborted) this.#listeners.set(listener, true); }
    removeEventListener(type, listener) { if (type === "abort") this.#listeners.delete(listener); }
    dispatchEvent() { throw new TypeError("a signal is aborted by its AbortController"); }
    get [Symbol.toStringTag]() { return "AbortSignal"; }
    static abort(reason) { const signal = newSignal(); abort(signal, reason); return signal; }
    static timeout(milliseconds) {
      const signal = newSignal();
      setTimer(() => abort(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError")), milliseconds);
      return signal;
    }
    static any(signals) {
      const all = [...signals], signal = newSignal();
      const first = all.find((one) => one.aborted);
      if (first) abort(signal, first.reason);
      else for (const one of all) one.addEventListener("abort", () => abort(signal, one.reason));
      return signal;
    }
  }
  const newSignal = () => {
    letSignalsBeMade = true;
    try {
      return new AbortSignal();
    } finally {
      letSignalsBeMade = false;
    }
  };
  class AbortController {
    #signal = newSignal();
    get signal() { return this.#signal; }
    abort(reason) { abort(this.#signal, reason); }
    get [Symbol.toStringTag]() { return "AbortController"; }
  }

  // ---- fetch ----------------------------------------------------------------------------------------------------
  const waiting = new Map(); // what settles each request's promise, by number
  let last = 0;
  const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]; // written as they are meant, in any case
  const fetch = async (input, init = {}) => {
    const { stack } = new Error(); // an error that comes later has none that leads to who called
    const like = typeof input === "object" && input !== null && typeof input.url === "string" ? input : { url: String(input) };
    const options = init ?? {}, pick = (name) => (options[name] === undefined ? like[name] : options[name]);
    const signal = pick("signal") ?? null, redirect = String(pick("redirect") ?? "follow"), written = String(pick("method") ?? "GET");
    const method = METHODS.includes(written.toUpperCase()) ? written.toUpperCase() : written;
    if (signal !== null) signal.throwIfAborted();
    if (!["follow", "error", "manual"].includes(redirect)) throw new TypeError(`redirect is follow, error or manual, not ${redirect}`);
    const headers = new Headers(pick("headers"));
    let [content, type] = bodyOf(pick("body"));
    if (content !== null && (method === "GET" || method === "HEAD")) throw new TypeError(`a ${method} has no body`);
    if (type !== null && !headers.has("content-type")) headers.set("content-type", type);
    const id = ++last, url = like.url.trim().toWellFormed();
    let forget = () => {};
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, stack });
        const begun = begin(stringify({ id, url, method, headers: [...headers], redirect }), content);
        content = null; // it is the host's now, and must not take room here while we wait
        if (!begun) throw new TypeError("fetch has too much to do: await some of the requests before you make more");
        if (signal === null) return;
        const stopped = () => { waiting.delete(id); stop(String(id)); reject(signal.reason); };
        signal.addEventListener("abort", stopped);
        forget = () => signal.removeEventListener("abort", stopped);
      });
    } finally {
      waiting.delete(id);
      forget();
    }
  };

  const settle = (text, content) => {
    const said = parse(text), promise = waiting.get(said.id);
    if (promise === undefined) return; // aborted meanwhile
    if (said.message === undefined) return promise.resolve(made(said, content));
    const error = new TypeError(said.message), { stack } = promise;
    for (const [key, value] of [["name", said.name], ["stack", stack]]) {
      Object.defineProperty(error, key, { value, configurable: true, writable: true });
    }
    promise.reject(error);
  };
  return [{ fetch, Headers, Response, AbortController, AbortSignal }, settle];
})
