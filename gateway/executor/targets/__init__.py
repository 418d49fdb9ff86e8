"""What can be touched, a technology a file; each implements the Target port."""
