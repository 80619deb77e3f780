"""The shop that the tutorial builds."""
