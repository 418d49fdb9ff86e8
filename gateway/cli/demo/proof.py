"""The proof: the log verifies as it is, and does not with one flipped byte."""
