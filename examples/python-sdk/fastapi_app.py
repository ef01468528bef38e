"""The functions in a FastAPI app, at /api/inngest."""

import fastapi
import inngest.fast_api
from functions import client, functions

app = fastapi.FastAPI()
inngest.fast_api.serve(app, client, functions)
