"""What versions held as text becomes blobs and manifests, and what is live becomes each function's first release."""

import hashlib
import json

from django.db import migrations
from django.db.models import F

ACTOR = "before deploys were kept"


def move_files(apps, schema_editor):
    Version = apps.get_model("datastore", "FunctionVersion")
    Blob = apps.get_model("datastore", "Blob")
    schema_editor.execute("ALTER TABLE datastore_functionversion DISABLE TRIGGER version_is_immutable")
    for pk in Version.objects.order_by("pk").values_list("pk", flat=True):
        version = Version.objects.get(pk=pk)
        files = {path: text.encode() for path, text in json.loads(version.files).items()}
        manifest = {}
        for path, content in sorted(files.items()):
            digest = hashlib.sha256(content).hexdigest()
            Blob.objects.get_or_create(digest=digest, defaults={"content": content})
            manifest[path] = {"digest": digest, "size": len(content)}
        # Written as the server writes it, so that the same content has the same digest.
        version.manifest = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
        text = f"{version.definition}\0{version.manifest}"
        version.digest = hashlib.sha256(text.encode()).hexdigest()
        version.save(update_fields=["manifest", "digest"])
    schema_editor.execute("ALTER TABLE datastore_functionversion ENABLE TRIGGER version_is_immutable")


def make_releases(apps, schema_editor):
    Environment = apps.get_model("datastore", "Environment")
    Function = apps.get_model("datastore", "Function")
    Deploy = apps.get_model("datastore", "Deploy")
    Release = apps.get_model("datastore", "Release")
    for environment in Environment.objects.all():
        # What had versions and is live no more was taken down.
        functions = Function.objects.filter(environment=environment, versions__isnull=False).distinct()
        if not functions.exists():
            continue
        deploy = Deploy.objects.create(environment=environment, number=1, kind="deploy", actor=ACTOR, note="")
        Environment.objects.filter(pk=environment.pk).update(deploys=F("deploys") + 1)
        Release.objects.bulk_create(
            (Release(function=one, deploy=deploy, version_id=one.live_version_id) for one in functions), batch_size=500
        )


class Migration(migrations.Migration):

    dependencies = [
        ("datastore", "0005_deploys"),
    ]

    operations = [
        # There is no way back: files that are not text fit in no column that was there before.
        migrations.RunPython(move_files),
        migrations.RunPython(make_releases),
    ]
