"""The environment of dev mode, under the id that the SDKs know, and the rule that a version never changes."""

from django.db import migrations

_IMMUTABLE = """
CREATE FUNCTION datastore_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a function version never changes: deploy another one';
END $$;
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON datastore_functionversion
  FOR EACH ROW EXECUTE FUNCTION datastore_version_is_immutable();
"""
_MUTABLE = """
DROP TRIGGER version_is_immutable ON datastore_functionversion;
DROP FUNCTION datastore_version_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = (("datastore", "0001_initial"),)

    operations = (
        migrations.RunSQL(_IMMUTABLE, _MUTABLE),
        migrations.RunSQL(
            "INSERT INTO datastore_environment (public_id, slug, created_at)"
            " VALUES ('00000000-0000-4000-b000-000000000000', 'dev', now())",
            "DELETE FROM datastore_environment WHERE slug = 'dev'",
        ),
    )
