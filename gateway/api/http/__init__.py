"""The HTTP door: health, metrics, keys, and alerts that open incidents."""
