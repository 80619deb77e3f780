"""``Model.objects``: the manager and the query set whole, PartiQL, creating."""
