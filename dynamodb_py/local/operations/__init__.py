"""The operations, by subject: each is a function of the engine and the request, which returns the answer."""
