"""Sealing everything anew under the newest key, after which older keys may be destroyed."""

from __future__ import annotations

from django.apps import apps
from django.db import transaction

from amparo.site import sealing
from amparo.site.models import Case
from amparo.site.models.base import Sealed

_AT_ONCE = 500


def reseal() -> int:
    """Seal all values anew that an older key sealed, and write the words to search by anew; gives how many changed.

    It may be stopped and started again: each batch is a transaction, and values under both keys open meanwhile.
    """
    ring, changed = sealing.ring(), 0
    for model in apps.get_app_config("desk").get_models():
        columns = Case.SEALED if model is Case else ("sealed",) if issubclass(model, Sealed) else ()
        if not columns:
            continue
        keys = list(model.objects.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(keys), _AT_ONCE):
            with transaction.atomic():
                for row in model.objects.select_for_update().filter(pk__in=keys[start : start + _AT_ONCE]):
                    changed += _reseal_row(row, columns, ring)
    return changed


def _reseal_row(row: Case | Sealed, columns: tuple[str, ...], ring: sealing.KeyRing) -> int:
    old = [name for name in columns if not ring.is_current(getattr(row, name))]
    for name in old:
        row.seal(name, row.opened(name)) if isinstance(row, Case) else row.write_texts(row.texts())
    if not old:
        return 0
    row.save(update_fields=old)
    if "identity" in old:
        row.words.all().delete()
        row.index_names()
    return len(old)
