"""What is declared or registered: environments and keys, apps, functions, their versions, what is live and why."""

import uuid

from django.db import models
from django.db.models import Q


class Environment(models.Model):
    """A world of its own: its keys, functions, events and runs are not seen from another one."""

    public_id = models.UUIDField(unique=True)
    slug = models.CharField(max_length=300, unique=True)
    """A branch environment's begins with its parent's, as in `branch/fix-cart`: no other one's has a slash."""
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="branches")
    """Set for a branch environment: its keys are its parent's."""
    deploys = models.PositiveIntegerField(default=0)
    """The number of its last deploy. Whoever makes one holds this row until the end, so numbers follow commits."""
    secret_changes = models.PositiveIntegerField(db_default=0)
    """Counts the changes of its secrets, so that a worker reads them again only then."""
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class Key(models.Model):
    """A secret that its holder shows to us; only its hash is kept, so that it can be shown once."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=16)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class EventKey(Key):
    """Lets its holder send events to one environment."""


class Scope(models.TextChoices):
    """What an API token is good for; each includes those before it."""

    READ = "read"
    DEPLOY = "deploy"
    """Deploying, rolling back, cancelling, invoking."""
    ADMIN = "admin"
    """Environments, keys and tokens."""


class ApiToken(Key):
    """Lets its holder use the REST API of one environment."""

    scope = models.CharField(max_length=6, choices=Scope.choices)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(scope__in=Scope.values), name="token_scope_is_known"),)


class SigningKey(Key):
    """Signs our calls of an environment's apps, and lets them register.

    The digest is that of what a client shows, which is itself the key's hash. The key is kept too, as calls are signed
    with it: sealed.
    """

    sealed = models.TextField()
    is_current = models.BooleanField(default=False)
    """Signs. The others that are live are only accepted."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("environment",), condition=Q(is_current=True), name="one_current_signing_key"
            ),
            models.CheckConstraint(
                condition=Q(is_current=False) | Q(revoked_at=None), name="no_revoked_signing_key_is_current"
            ),
        )


class Secret(models.Model):
    """An environment variable of the steps that run here. Its value is read again for them alone, and never shown."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, db_index=False, related_name="secrets")
    name = models.CharField(max_length=255, db_collation="C")
    sealed = models.TextField()
    """For this environment and name: elsewhere it cannot be read."""
    size = models.PositiveIntegerField()
    """Of the value, in bytes: their sum has a limit."""
    actor = models.CharField(max_length=200)
    """Who set it last, in words."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("environment", "name"), name="secret_name"),)

    def __str__(self) -> str:
        return self.name


class App(models.Model):
    """A program that serves functions through an SDK, as it registered itself last."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    slug = models.CharField(max_length=255)
    public_id = models.UUIDField(unique=True, default=uuid.uuid4)
    url = models.TextField()
    sdk = models.CharField(max_length=100)
    """Language and version, as in `py:v0.5.19`."""
    framework = models.CharField(max_length=100)
    app_version = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    """Of what was registered; the same again changes nothing."""
    sync_id = models.UUIDField(default=uuid.uuid4)
    """Of the registration that changed something last."""
    synced_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    error = models.TextField()
    """Why the last registration was refused; "" if it was not."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("environment", "slug"), name="app_slug"),)

    def __str__(self) -> str:
        return self.slug


class Function(models.Model):
    """A function by its id in one environment; `live_version` is what a new run is pinned to."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    app = models.ForeignKey(App, null=True, on_delete=models.PROTECT, related_name="functions")
    """The app that registered it; None for a declared one."""
    slug = models.CharField(max_length=255)
    live_version = models.ForeignKey("FunctionVersion", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("environment", "slug"), name="function_slug"),)

    def __str__(self) -> str:
        return self.slug


class Blob(models.Model):
    """The content of a file, once, however many versions have it."""

    digest = models.CharField(max_length=64, primary_key=True, db_collation="C")
    """SHA-256 in hexadecimal."""
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.digest


class Deploy(models.Model):
    """One change of what an environment has: versions made, live pointers moved, all in one transaction."""

    class Kind(models.TextChoices):
        DEPLOY = "deploy"
        LIVE = "live"
        """A version that was there was made live."""
        ROLLBACK = "rollback"
        ARCHIVE = "archive"
        REGISTER = "register"
        """By an app, through an SDK."""
        LOAD = "load"
        """By the DevServer, from a folder."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    actor = models.CharField(max_length=200)
    """Who, in words."""
    note = models.CharField(max_length=500)
    undoes = models.OneToOneField("self", null=True, on_delete=models.SET_NULL, related_name="undone_by")
    """The deploy that this one, a rollback, took back as a whole."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("environment", "number"), name="deploy_number"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class FunctionVersion(models.Model):
    """One content of a function, never changed afterwards (a trigger in the database sees to it)."""

    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.TextField()
    """JSON text of `definition.types.FunctionDefinition`."""
    manifest = models.TextField()
    """JSON text of `manifest.Manifest`: the function's own files, by path. Text, because jsonb refuses what a path may
    hold."""
    folder = models.TextField(default="")
    """DevServer only: where the files were read, for the `.env` beside them."""
    digest = models.CharField(max_length=64)
    """Of definition and manifest: what a function has had before is that version again."""
    deploy = models.ForeignKey(Deploy, null=True, on_delete=models.PROTECT, related_name="versions")
    """What made it; None for what is older than deploys."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("function", "number"), name="function_version_number"),)
        indexes = (models.Index(fields=("function", "digest"), name="function_version_digest"),)

    def __str__(self) -> str:
        return f"{self.function} v{self.number}"


class Release(models.Model):
    """A move of a function's live pointer. The newest one of a function is what is live."""

    function = models.ForeignKey(Function, on_delete=models.CASCADE, db_index=False, related_name="releases")
    deploy = models.ForeignKey(Deploy, on_delete=models.CASCADE, related_name="releases")
    version = models.ForeignKey(FunctionVersion, null=True, on_delete=models.CASCADE, related_name="+")
    """None: the function was archived."""
    beneath = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    """What a rollback goes back to. The rollback's own release has that one's `beneath`, so this is a stack."""

    class Meta:
        indexes = (models.Index(fields=("function", "-id"), name="release_of_function"),)

    def __str__(self) -> str:
        return f"{self.function} → {self.version}"


class EventTrigger(models.Model):
    """What is live: an event of this name starts that version. Rows change only with the live pointer."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    event_name = models.CharField(max_length=255, db_collation="C")
    function = models.ForeignKey(Function, on_delete=models.CASCADE)
    version = models.ForeignKey(FunctionVersion, on_delete=models.CASCADE)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("environment", "event_name", "function"), name="event_trigger_once"),
        )

    def __str__(self) -> str:
        return f"{self.event_name} → {self.version}"


class CronTrigger(models.Model):
    """What is live: a cron starts that version at `next_at`. Rows come and go with the live pointer.

    `next_at` changes only in the transaction that starts what was due.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    function = models.ForeignKey(Function, on_delete=models.CASCADE)
    version = models.ForeignKey(FunctionVersion, on_delete=models.CASCADE)
    cron = models.CharField(max_length=255)
    """As it was written, its time zone included."""
    schedule = models.CharField(max_length=255)
    """Five fields."""
    timezone = models.CharField(max_length=255)
    next_at = models.DateTimeField(null=True, db_index=True)
    """The first tick that has not been run; null if there is none in the next fifty years."""
    last_tick_at = models.DateTimeField(null=True)
    periodic_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    """Its bell, and what a person disables to pause it."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("function", "cron"), name="cron_trigger_once"),)

    def __str__(self) -> str:
        return f"{self.cron} → {self.version}"
