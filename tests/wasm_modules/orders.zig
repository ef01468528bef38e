//! A step that does as it is told. Its order is the name of its own file, in hexadecimal: a verb, and what it needs,
//! parted by NUL.
const std = @import("std");

pub fn main(init: std.process.Init) !void {
    const allocator = init.arena.allocator();
    const args = try init.minimal.args.toSlice(allocator);
    const name = args[0][0 .. args[0].len - ".wasm".len];
    const order = try allocator.alloc(u8, name.len / 2);
    _ = try std.fmt.hexToBytes(order, name);

    var parts = std.mem.splitScalar(u8, order, 0);
    const verb = std.meta.stringToEnum(Verb, parts.first()) orelse return error.UnknownVerb;

    var buffer: [64 * 1024]u8 = undefined;
    var writer = std.Io.File.Writer.init(.stdout(), init.io, &buffer);
    const out = &writer.interface;

    switch (verb) {
        .write => try out.writeAll(parts.rest()),
        .echo => {
            var space: [4096]u8 = undefined;
            var reader = std.Io.File.Reader.init(.stdin(), init.io, &space);
            _ = try reader.interface.streamRemaining(out);
        },
        .argument => try out.writeAll(args[1]),
        .log => {
            const length = try std.fmt.parseInt(usize, parts.next().?, 10);
            const text = parts.rest();
            try toLog(init.io, text[0..length]);
            try out.writeAll(text[length..]);
        },
        .exit => {
            const code = try std.fmt.parseInt(u32, parts.next().?, 10);
            try out.writeAll(parts.rest());
            try out.flush();
            std.os.wasi.proc_exit(code);
        },
        .fail => {
            try toLog(init.io, parts.rest());
            std.process.exit(1);
        },
        .variable => try std.json.Stringify.value(.{ .value = init.environ_map.get(parts.rest()) }, .{}, out),
        .variables => {
            var all = init.environ_map.iterator();
            while (all.next()) |one| try out.print("{s}={s};", .{ one.key_ptr.*, one.value_ptr.* });
        },
        .flood => while (true) try out.splatBytesAll("endless output ", 64),
        .chatter => while (true) try toLog(init.io, "endless log\n"),
        .hoard => while (true) {
            const more = try std.heap.wasm_allocator.alloc(u8, 1024 * 1024);
            @memset(more, 1);
        },
        .demand => {
            const size = try std.fmt.parseInt(usize, parts.rest(), 10);
            const more = try std.heap.wasm_allocator.alloc(u8, size);
            @memset(more, 1);
            try out.print("{d}", .{more.len});
        },
        .hang => while (true) std.mem.doNotOptimizeAway(order),
        .sleep => {
            const milliseconds = try std.fmt.parseInt(i64, parts.rest(), 10);
            const before = std.Io.Timestamp.now(init.io, .awake);
            try init.io.sleep(.fromMilliseconds(milliseconds), .awake);
            const slept = before.durationTo(std.Io.Timestamp.now(init.io, .awake));
            try out.print("{d}", .{slept.toMilliseconds()});
        },
        .clock => try out.print("{d}", .{std.Io.Timestamp.now(init.io, .real).toMilliseconds()}),
        .random => {
            var bytes: [16]u8 = undefined;
            try init.io.randomSecure(&bytes);
            try std.json.Stringify.value(&std.fmt.bytesToHex(bytes, .lower), .{}, out);
        },
        .recurse => try out.print("{d}", .{deeper(1)}),
        .panic => @panic(parts.rest()),
        .open => {
            const folder = std.Io.Dir{ .handle = 3 };
            const file = try folder.openFile(init.io, parts.rest(), .{});
            file.close(init.io);
        },
    }
    try out.flush();
}

const Verb = enum { write, echo, argument, log, exit, fail, variable, variables, flood, chatter, hoard, demand, hang, sleep, clock, random, recurse, panic, open };

fn toLog(io: std.Io, text: []const u8) !void {
    var writer = std.Io.File.Writer.init(.stderr(), io, &.{});
    try writer.interface.writeAll(text);
    try writer.interface.flush();
}

fn deeper(depth: usize) u64 {
    var space: [64]u64 = undefined;
    for (&space, 0..) |*one, at| one.* = depth + at;
    std.mem.doNotOptimizeAway(&space);
    return deeper(depth + 1) + space[depth % 64];
}
