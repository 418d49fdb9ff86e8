"""One module per tool: text form and typed form become the same step."""
