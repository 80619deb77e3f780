"""The wire of our own: HTTP/1.1 and AWS Signature Version 4 over pooled connections."""
