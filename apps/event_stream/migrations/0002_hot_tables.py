"""The inbox's rows live for milliseconds: its dead ones must go before a batch has to step over them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("event_stream", "0001_initial"),)

    operations = (
        migrations.RunSQL(
            """
            ALTER TABLE event_stream_inbox SET (
              autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
              autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = 5000,
              autovacuum_vacuum_cost_delay = 0
            )""",
            migrations.RunSQL.noop,
        ),
    )
