"""The case study, end to end, on real local targets: a database runs out of connections."""
