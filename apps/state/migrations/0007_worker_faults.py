from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("state", "0006_sdk_functions")]

    operations = [
        migrations.AddField("worker", "faults", models.TextField(db_default="")),
    ]
