"""Programs for WASI preview 1 in Zig and Go, and how they are built."""
