"""The commands, a module for each: plain functions whose annotations are their options. `main.py` registers them."""
