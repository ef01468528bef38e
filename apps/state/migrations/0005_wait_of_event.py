from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("state", "0004_wait_tables"),)

    operations = (
        migrations.AddIndex(
            model_name="wait",
            index=models.Index(
                condition=models.Q(("event_seq__isnull", False)), fields=["event_seq", "id"], name="wait_of_event"
            ),
        ),
    )
