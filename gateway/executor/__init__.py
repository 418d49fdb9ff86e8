"""The other process: it alone holds target credentials, and touches nothing without a grant."""
