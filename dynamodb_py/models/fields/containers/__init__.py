"""Fields that hold several values: lists, sets, maps and documents."""
