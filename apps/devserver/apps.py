from django.apps import AppConfig


class DevServerConfig(AppConfig):
    name = "apps.devserver"
