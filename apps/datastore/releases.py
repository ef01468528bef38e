"""Releases as they are read: what is live of a function, and what lies beneath that."""

from collections.abc import Collection

from django.db import connection

from apps.datastore.models import Function, Release

_NEWEST = """
SELECT newest.id FROM unnest(%b::bigint[]) AS asked (function_id),
     LATERAL (SELECT id FROM datastore_release WHERE function_id = asked.function_id ORDER BY id DESC LIMIT 1) AS newest
"""


def current_releases(functions: Collection[Function]) -> dict[int, Release]:
    """By function, its newest release, which is what is live of it. Two statements, however many functions."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, ([function.pk for function in functions],))
        newest = [release for (release,) in cursor]
    return {release.function_id: release for release in Release.objects.filter(pk__in=newest)}
