"""Waits leave their partial indexes when they end, and probes live for milliseconds: their dead must go soon."""

from django.db import migrations

_BUSY = """
ALTER TABLE {table} SET (
  autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
)"""


class Migration(migrations.Migration):
    dependencies = (("state", "0003_waits"),)

    operations = tuple(
        migrations.RunSQL(_BUSY.format(table=table), migrations.RunSQL.noop) for table in ("state_wait", "state_probe")
    )
