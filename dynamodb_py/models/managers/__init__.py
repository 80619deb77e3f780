"""``Model.objects``: the classes ``Manager`` and ``QuerySet``, indexes, creating items, PartiQL."""
