"""The audit log only ever grows: the database itself refuses changes and deletions. Its head row is made."""

from typing import Any

from django.db import migrations

_SQLITE = """
CREATE TRIGGER desk_audit_no_{what} BEFORE {what} ON desk_auditentry
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE FUNCTION desk_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
"""
_POSTGRESQL = """
CREATE TRIGGER desk_audit_no_{what} BEFORE {what} ON desk_auditentry
FOR EACH STATEMENT EXECUTE FUNCTION desk_audit_refuse()
"""


def _guard(apps: Any, schema_editor: Any) -> None:
    apps.get_model("desk", "AuditHead").objects.create(pk=1, count=0, mac=bytes(32))
    postgresql = schema_editor.connection.vendor == "postgresql"
    if postgresql:
        schema_editor.execute(_POSTGRESQL_FUNCTION)
    for what in ("update", "delete"):
        schema_editor.execute((_POSTGRESQL if postgresql else _SQLITE).format(what=what))
    if postgresql:
        schema_editor.execute(_POSTGRESQL.format(what="truncate"))


class Migration(migrations.Migration):
    """Triggers of both databases."""

    dependencies = [("desk", "0001_initial")]  # noqa: RUF012
    operations = [migrations.RunPython(_guard)]  # noqa: RUF012
