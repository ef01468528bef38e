// What a function finds in its sandbox beside the language itself, and how it is started and watched.
// Evaluated once a process; each step starts from a copy of the memory that it leaves behind.
// Returns `control(text, content)`: with a text, starts the step; with a content too, tells what became of a request;
// without any, says how it stands.
(function (log, random, refusal, makeFetch, begin, stop, decode) {
  "use strict";
  const { parse, stringify } = JSON;
  const now = Date.now;
  const LONGEST_LINE = 65536, LONGEST_ERROR = 32768;

  // ---- console ------------------------------------------------------------------------------------------------
  const shown = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ""}`.trimEnd();
    if (typeof value === "function") return `[Function ${value.name || "anonymous"}]`;
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value !== "object" || value === null) return String(value);
    try {
      return stringify(value) ?? String(value);
    } catch {
      return "[circular]";
    }
  };
  let room = true;
  const printer = (prefix) => (...values) => {
    if (room) room = log((prefix + values.map(shown).join(" ")).slice(0, LONGEST_LINE).toWellFormed());
  };
  const console = {
    log: printer(""), info: printer(""), debug: printer("[debug] "),
    warn: printer("[warn] "), error: printer("[error] "), trace: printer("[trace] "),
  };

  // ---- timers: nothing runs by itself here, the host waits and asks again ---------------------------------------
  const timers = new Map();
  let lastTimer = 0;
  const setTimer = (callback, delay, again, values) => {
    if (typeof callback !== "function") throw new TypeError("a timer's callback must be a function");
    const wait = Math.max(Number(delay) || 0, 1);
    timers.set(++lastTimer, { callback, values, due: now() + wait, again: again ? wait : 0 });
    return lastTimer;
  };
  const clearTimer = (id) => void timers.delete(id);
  const fireDue = () => {
    const moment = now();
    const due = [...timers].filter(([, timer]) => timer.due <= moment).sort(([, a], [, b]) => a.due - b.due);
    for (const [id, timer] of due) {
      if (!timers.has(id)) continue;
      if (timer.again) timer.due = now() + timer.again;
      else timers.delete(id);
      timer.callback(...timer.values);
    }
    return due.length > 0;
  };

  // ---- text, random numbers, copies -----------------------------------------------------------------------------
  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") {
      const escaped = unescape(encodeURIComponent(String(text).toWellFormed()));
      return Uint8Array.from(escaped, (character) => character.charCodeAt(0));
    }
  }
  class TextDecoder {
    #fatal;
    constructor(label = "utf-8", { fatal = false } = {}) {
      if (!/^utf-?8$/i.test(label)) throw new RangeError(`TextDecoder knows utf-8 only, not ${label}`);
      this.#fatal = fatal;
    }
    get encoding() { return "utf-8"; }
    decode(source = new Uint8Array()) {
      const view = ArrayBuffer.isView(source);
      const bytes = view ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
      let text = "";
      for (let at = 0; at < bytes.length; ) {
        const first = bytes[at++];
        const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : (first & 0xf0) === 0xe0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
        let point = more < 1 ? first : first & (0x3f >> more);
        let taken = 0;
        while (taken < more && (bytes[at] & 0xc0) === 0x80) { point = (point << 6) | (bytes[at++] & 0x3f); taken++; }
        const least = [0, 0x80, 0x800, 0x10000][more];
        const good = more >= 0 && taken === more && point >= least && point < 0x110000 && (point & 0xfff800) !== 0xd800;
        if (!good && this.#fatal) throw new TypeError("the bytes are not valid utf-8");
        text += good ? String.fromCodePoint(point) : "\ufffd";
      }
      return text.startsWith("\ufeff") ? text.slice(1) : text;
    }
  }

  const randomBytes = (count) => Uint8Array.from(random(String(count)).match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const crypto = {
    getRandomValues(array) {
      if (array.byteLength > 65536) throw new RangeError("getRandomValues gives at most 65536 bytes");
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength));
      return array;
    },
    randomUUID() {
      const bytes = randomBytes(16);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    },
  };

  // Every step starts from the same memory, so the engine's own generator would give every step the same numbers.
  const seedRandom = ([a, b, c, d]) => {
    Math.random = () => { // sfc32, by Chris Doty-Humphrey
      const sum = (((a + b) | 0) + d) | 0;
      d = (d + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (c << 21) | (c >>> 11);
      c = (c + sum) | 0;
      return (sum >>> 0) / 4294967296;
    };
    for (let warm = 0; warm < 12; warm++) Math.random();
  };

  const structuredClone = (source) => {
    const seen = new Map();
    const copy = (value) => {
      if (typeof value === "function" || typeof value === "symbol") throw new DOMException(`${String(value)} could not be cloned`, "DataCloneError");
      if (typeof value !== "object" || value === null) return value;
      if (seen.has(value)) return seen.get(value);
      const keep = (made) => (seen.set(value, made), made);
      if (value instanceof Date) return keep(new Date(value));
      if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
      if (value instanceof ArrayBuffer) return keep(value.slice(0));
      if (ArrayBuffer.isView(value)) return keep(new value.constructor(copy(value.buffer), value.byteOffset, value.length ?? value.byteLength));
      if (value instanceof Map) { const made = keep(new Map()); for (const [k, v] of value) made.set(copy(k), copy(v)); return made; }
      if (value instanceof Set) { const made = keep(new Set()); for (const item of value) made.add(copy(item)); return made; }
      const made = keep(Array.isArray(value) ? new Array(value.length) : {});
      if (value instanceof Error) Object.setPrototypeOf(made, Object.getPrototypeOf(value));
      for (const key of value instanceof Error ? ["name", "message", "stack"] : Object.keys(value)) made[key] = copy(value[key]);
      return made;
    };
    return copy(source);
  };

  const provide = (names) => {
    for (const name of Object.keys(names)) {
      Object.defineProperty(globalThis, name, { value: names[name], writable: true, configurable: true });
    }
  };
  // Of most steps, which list no hosts, fetch is all that is there: what it gives back would only make their start slower.
  const refuse = async (input) => {
    const message = refusal(String(input?.url ?? input).toWellFormed());
    throw Object.defineProperty(new TypeError(message), "name", { value: "HostNotAllowed", configurable: true, writable: true });
  };
  provide({ TextEncoder });
  const [ofFetch, settleFetch] = makeFetch?.(begin, stop, decode, (callback, delay) => setTimer(callback, delay, false, [])) ?? [{ fetch: refuse }];
  provide({
    ...ofFetch, console, crypto, structuredClone, TextEncoder, TextDecoder,
    setTimeout: (callback, delay, ...values) => setTimer(callback, delay, false, values),
    setInterval: (callback, delay, ...values) => setTimer(callback, delay, true, values),
    setImmediate: (callback, ...values) => setTimer(callback, 0, false, values),
    clearTimeout: clearTimer, clearInterval: clearTimer, clearImmediate: clearTimer,
    global: globalThis,
  });

  // ---- the step -------------------------------------------------------------------------------------------------
  let ended = null;
  const told = (thrown) => {
    const field = (value) => String(value ?? "").slice(0, LONGEST_ERROR).toWellFormed();
    try {
      const error = thrown instanceof Error;
      return stringify({
        name: error ? field(thrown.name) : "Error",
        message: error ? field(thrown.message) : field(shown(thrown)),
        stack: error ? field(thrown.stack) : "",
      });
    } catch {
      return '{"name":"Error","message":"the step threw something that cannot be shown","stack":""}';
    }
  };
  const step = async (entry, input) => {
    const module = await import(entry);
    const run = module.run ?? module.default;
    if (typeof run !== "function") {
      throw Object.assign(new Error(`${entry} exports no function named run, and no default function`), { name: "NoEntrypoint", stack: "" });
    }
    return stringify(await run(parse(input))) ?? "null";
  };

  // Answers: "=" + output, "!" + error, "~" + milliseconds until the next timer, "." ran a timer, "?" nothing left to do.
  return (text, content) => {
    if (content !== undefined) {
      settleFetch(text, content);
      return "";
    }
    if (text !== undefined) {
      const line = text.indexOf("\n");
      const [entry, env, seed] = parse(text.slice(0, line));
      seedRandom(seed);
      provide({ process: { env: Object.freeze(env) } });
      step(entry, text.slice(line + 1)).then((output) => { ended ??= "=" + output; }, (thrown) => { ended ??= "!" + told(thrown); });
      return "";
    }
    try {
      if (ended === null && fireDue()) return ".";
    } catch (thrown) {
      ended ??= "!" + told(thrown);
    }
    if (ended !== null) return ended;
    let next = Infinity;
    for (const timer of timers.values()) next = Math.min(next, timer.due);
    return next === Infinity ? "?" : "~" + Math.max(next - now(), 0);
  };
})
