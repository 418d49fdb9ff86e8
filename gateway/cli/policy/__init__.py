"""Bundles before they are in force, and the revision that is."""
