"""The command `inngest`: deploying, looking and steering from a terminal, over the REST API alone (no Django)."""
