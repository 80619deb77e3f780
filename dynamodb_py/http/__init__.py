"""Transports over pooled HTTP/1.1 connections. Signing is in ``credentials``."""
