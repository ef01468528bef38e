"""What a step of an SDK's function is, who invoked a run, and the order in which steps ended."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datastore', '0003_cron_triggers'),
        ('state', '0005_wait_of_event'),
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE state_step_ended_seq CACHE 1", "DROP SEQUENCE state_step_ended_seq"),
        migrations.RemoveConstraint(
            model_name='wait',
            name='wait_kind',
        ),
        migrations.AddField(
            model_name='leaseditem',
            name='plan_only',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='readyitem',
            name='plan_only',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='invoker_id',
            field=models.CharField(db_collation='C', max_length=26, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='invoker_step_id',
            field=models.CharField(db_collation='C', max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='is_about_runs',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='scheduleditem',
            name='plan_only',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='step',
            name='calls',
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='calls_again',
            field=models.CharField(choices=[('last', 'Last'), ('each', 'Each')], max_length=4, null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='ended_seq',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='input',
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='name',
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='op',
            field=models.CharField(choices=[('function', 'Function'), ('run', 'Run'), ('sleep', 'Sleep'), ('waitForEvent', 'Wait For Event'), ('waitForSignal', 'Wait For Signal'), ('invoke', 'Invoke'), ('fetch', 'Fetch'), ('infer', 'Infer')], max_length=16, null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='request_version',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='wait',
            name='kind',
            field=models.CharField(choices=[('step', 'Step'), ('cancel', 'Cancel'), ('sdk', 'Sdk'), ('signal', 'Signal')], max_length=6),
        ),
        migrations.AddConstraint(
            model_name='wait',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['step', 'cancel', 'sdk', 'signal'])), name='wait_kind'),
        ),
        migrations.AddConstraint(
            model_name='wait',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'signal'), ('status', 'open')), fields=('environment_id', 'event_name'), name='wait_one_for_a_signal'),
        ),
    ]
