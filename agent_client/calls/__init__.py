"""Every call of the API, described once: the synchronous and the asynchronous client are drivers of these."""
