"""Changes that end by themselves."""
