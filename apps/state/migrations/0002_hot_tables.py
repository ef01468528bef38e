"""What the model definitions cannot say: the items' sequence, and room and vacuum for rows that live for milliseconds."""

from django.db import migrations

# A queue's rows come and go thousands of times a second: dead ones must go before a claim has to step over them.
_BUSY = """
ALTER TABLE {table} SET (
  autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = {dead},
  autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = {dead},
  autovacuum_vacuum_cost_delay = 0
)"""
# Rows that are updated once or twice keep room on their page for it, so that no index is touched (HOT).
_UPDATED = "ALTER TABLE {table} SET (fillfactor = 80, autovacuum_vacuum_insert_scale_factor = 0.1)"

_BUSY_TABLES = ("state_readyitem", "state_leaseditem", "state_scheduleditem")
_UPDATED_TABLES = ("state_run", "state_step")


class Migration(migrations.Migration):
    dependencies = (("state", "0001_initial"),)

    operations = [
        migrations.RunSQL("CREATE SEQUENCE state_queue_item_id CACHE 1", "DROP SEQUENCE state_queue_item_id"),
        *(
            migrations.RunSQL(_BUSY.format(table=table, dead=5_000), migrations.RunSQL.noop)
            for table in _BUSY_TABLES
        ),
        migrations.RunSQL(_BUSY.format(table="state_worker", dead=200), migrations.RunSQL.noop),
        *(migrations.RunSQL(_UPDATED.format(table=table), migrations.RunSQL.noop) for table in _UPDATED_TABLES),
    ]
