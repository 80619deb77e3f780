"""Credentials, endpoints, proxies and TLS: where a request goes, and with whose keys. Sends nothing."""
