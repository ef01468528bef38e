"""The functions in a Django app of one file, at /api/inngest."""

import inngest.django
from django.conf import settings
from django.core.asgi import get_asgi_application
from functions import client, functions

settings.configure(ALLOWED_HOSTS=["localhost", "127.0.0.1"], ROOT_URLCONF=__name__)
app = get_asgi_application()
urlpatterns = [inngest.django.serve(client, functions)]
