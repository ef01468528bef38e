"""`make bench`: what the server does on this machine, beside what the machine does bare. See docs/performance.md."""
