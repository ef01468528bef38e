"""New functions: what `inngest init` asks, and the files that it writes."""
