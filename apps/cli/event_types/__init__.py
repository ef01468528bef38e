"""Types of events for the code that handles them, made from the events' JSON Schemas."""
