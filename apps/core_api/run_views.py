"""`/v1/runs`: what runs and ran, with its steps and its history, and cancelling it."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import HistoryAnswer, HistoryEntry, RunAnswer, RunsAnswer, StepAnswer
from apps.core_api.errors import AlreadyEnded, Error
from apps.core_api.parameters import page_parameters, run_ids_parameter, statuses_parameter, text_parameter
from apps.core_api.runs import RunRow, find_runs, load_runs, run_answers
from apps.core_api.schema import PAGING, RUN_FILTERS
from apps.core_api.steps import load_steps, run_with_steps
from apps.core_api.tokens import environment_of
from apps.datastore.models import Function
from apps.state.ending import cancel_run
from apps.state.models import History


def _run(request: Request, run_id: str) -> RunRow:
    rows = load_runs(environment_of(request), [run_id])
    if not rows:
        raise NotFound(f"There is no run {run_id}")
    return rows[0]


class RunsView(APIView):
    @extend_schema(
        operation_id="list_runs",
        parameters=[*RUN_FILTERS, *PAGING],
        responses={200: RunsAnswer, 400: Error, 401: Error},
    )
    def get(self, request: Request) -> Response:
        """Runs, newest first, without their steps."""
        environment, asked = environment_of(request), page_parameters(request, of="runs")
        statuses, slug = statuses_parameter(request), text_parameter(request, "function_id")
        if run_ids := run_ids_parameter(request):
            rows = [
                row
                for row in load_runs(environment, run_ids)
                if (not statuses or row.shown_status in statuses) and slug in (None, row.function_slug)
            ]
            return Response(RunsAnswer(data=run_answers(rows), page=asked.answer(None)))
        function = None
        if slug is not None:
            function = Function.objects.filter(environment=environment, slug=slug).first()
            if function is None:
                return Response(RunsAnswer(data=[], page=asked.answer(None)))
        found = find_runs(environment, statuses, function, asked.after, asked.limit)
        runs = run_answers(load_runs(environment, found.positions))
        return Response(RunsAnswer(data=runs, page=asked.answer(found.ended_at)))


class RunView(APIView):
    @extend_schema(operation_id="get_run", responses={200: RunAnswer, 401: Error, 404: Error})
    def get(self, request: Request, run_id: str) -> Response:
        """The run with its steps, their tries and what they logged, and its waits."""
        return Response(RunAnswer(data=run_with_steps(_run(request, run_id))))

    @extend_schema(operation_id="cancel_run", responses={204: None, 401: Error, 404: Error, 409: Error})
    def delete(self, request: Request, run_id: str) -> Response:
        """Cancel the run. Nothing of it starts any more, and what is running has its result dropped."""
        run = _run(request, run_id)
        if not cancel_run(run.id, "cancelled through the REST API"):
            raise AlreadyEnded(f"Run {run.id} has already ended: {_run(request, run_id).shown_status}")
        return Response(status=204)


class StepView(APIView):
    @extend_schema(operation_id="get_step", responses={200: StepAnswer, 401: Error, 404: Error})
    def get(self, request: Request, run_id: str, step_id: str) -> Response:
        """One step of a run: the way to a text that the run's own answer had no room for."""
        steps = load_steps(_run(request, run_id), step_id).steps if "\0" not in step_id else []
        if not steps:
            raise NotFound(f"Run {run_id} has no step {step_id}")
        return Response(StepAnswer(data=steps[0]))


class HistoryView(APIView):
    @extend_schema(
        operation_id="list_history_of_run",
        parameters=PAGING,
        responses={200: HistoryAnswer, 400: Error, 401: Error, 404: Error},
    )
    def get(self, request: Request, run_id: str) -> Response:
        """What happened to the run and why, from its beginning."""
        run, asked = _run(request, run_id), page_parameters(request, of="history")
        told = History.objects.filter(run_id=run.id, pk__gt=int(asked.after or 0)).order_by("pk")[: asked.limit + 1]
        entries = list(told)
        ended_at = entries[asked.limit - 1].pk if len(entries) > asked.limit else None
        data = [
            HistoryEntry(at=entry.at, kind=entry.kind, step_id=entry.step_id, reason=entry.reason)
            for entry in entries[: asked.limit]
        ]
        return Response(HistoryAnswer(data=data, page=asked.answer(ended_at)))
