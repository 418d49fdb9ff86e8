"""The log and its proofs."""
