//! Says whether an IBAN can be right, by its check digits. Gets JSON on standard input, and prints its output as JSON.
//! WASI's own functions, as the library's readers and writers would make the module twice as large.
const std = @import("std");
const wasi = std.os.wasi;

pub const panic = std.debug.no_panic;

const Input = struct { event: struct { data: struct { iban: []const u8 } } };

pub fn main() u8 {
    check() catch |fault| {
        write(2, @errorName(fault)) catch {};
        return 1;
    };
    return 0;
}

fn check() !void {
    const allocator = std.heap.wasm_allocator;
    const text = try readAll(allocator);
    const input = try std.json.parseFromSliceLeaky(Input, allocator, text, .{ .ignore_unknown_fields = true });
    const iban = input.event.data.iban;

    // Standard error is the log, which is kept with the attempt.
    var line: [64]u8 = undefined;
    try write(2, try std.fmt.bufPrint(&line, "an IBAN of {d} characters\n", .{iban.len}));
    try write(1, if (isValid(iban)) "{\"valid\": true}" else "{\"valid\": false}");
}

/// ISO 7064: the first four characters go to the end, letters are 10 to 35, and all of it modulo 97 is 1.
fn isValid(iban: []const u8) bool {
    var characters: [34]u8 = undefined;
    var count: usize = 0;
    for (iban) |character| {
        if (character == ' ') continue;
        if (count == characters.len) return false;
        characters[count] = character;
        count += 1;
    }
    if (count < 5) return false;
    var rest: u32 = 0;
    for (0..count) |at| {
        const value = std.fmt.charToDigit(characters[(at + 4) % count], 36) catch return false;
        rest = (if (value < 10) rest * 10 + value else rest * 100 + value) % 97;
    }
    return rest == 1;
}

fn readAll(allocator: std.mem.Allocator) ![]u8 {
    var all: std.ArrayList(u8) = .empty;
    while (true) {
        const space = try all.addManyAsSlice(allocator, 4096);
        const vector = [_]wasi.iovec_t{.{ .base = space.ptr, .len = space.len }};
        var read: usize = undefined;
        if (wasi.fd_read(0, &vector, vector.len, &read) != .SUCCESS) return error.CannotRead;
        all.shrinkRetainingCapacity(all.items.len - space.len + read);
        if (read == 0) return all.items;
    }
}

fn write(stream: wasi.fd_t, text: []const u8) !void {
    const vector = [_]wasi.ciovec_t{.{ .base = text.ptr, .len = text.len }};
    var written: usize = undefined;
    if (wasi.fd_write(stream, &vector, vector.len, &written) != .SUCCESS) return error.CannotWrite;
}
