"""`inngest doctor`: what a server needs, as seen from the machine that it runs on. The CLI loads Django here alone."""
