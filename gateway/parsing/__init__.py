"""Pure parsing: text or typed JSON to steps, driven by tables that the composition root loads."""
