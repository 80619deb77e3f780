"""Key templates: composing and parsing keys, and conditions on their parts as conditions on keys."""
