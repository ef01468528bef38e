"""Run the code of one step: over HTTP, or in a sandbox. Knows nothing of Django, runs or the database."""
