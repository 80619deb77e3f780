"""The operations, by subject. Each is a function that receives the engine and the request, and returns the answer."""
