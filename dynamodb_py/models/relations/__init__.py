"""Relations: fields that refer to items of other models, and what leads back."""
