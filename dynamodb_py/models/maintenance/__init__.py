"""Jobs that read whole tables and repair them: sentinels of unique values, denormalized copies."""
