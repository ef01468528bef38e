"""What is declared: environments and their keys, functions, their immutable versions, and what is live."""

from django.db import models


class Environment(models.Model):
    """A world of its own: its keys, functions, events and runs are not seen from another one."""

    public_id = models.UUIDField(unique=True)
    slug = models.SlugField(unique=True)
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


class ApiToken(Key):
    """Lets its holder use the REST API of one environment."""


class Function(models.Model):
    """A function by its id in one environment; `live_version` is what a new run is pinned to."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE)
    slug = models.CharField(max_length=255)
    live_version = models.ForeignKey("FunctionVersion", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("environment", "slug"), name="function_slug"),)

    def __str__(self) -> str:
        return self.slug


class FunctionVersion(models.Model):
    """One deploy of a function, never changed afterwards (a trigger in the database sees to it)."""

    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.TextField()
    """JSON text of `definition.types.FunctionDefinition`."""
    files = models.TextField()
    """JSON text: the function's own files, path to content. Text, because jsonb refuses what a file may hold."""
    folder = models.TextField(default="")
    """DevServer only: where the files were read, for the `.env` beside them."""
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("function", "number"), name="function_version_number"),)

    def __str__(self) -> str:
        return f"{self.function} v{self.number}"


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
