"""The field types, one class for each kind of value: of one value here, of times and of several below."""
