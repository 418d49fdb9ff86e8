"""Countermand: the execution proxy between LLM agents and infrastructure."""

__version__ = "0.1.0"
