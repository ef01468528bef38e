#!/usr/bin/env python
"""Django's command line for this project: `python manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inngest_server.settings")
    if sys.argv[1:2] == ["dev"]:
        os.environ.setdefault("INNGEST_DEV", "1")
        import apps.devserver.local_time  # noqa: F401 - finds the person's time zone before the settings set another
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
