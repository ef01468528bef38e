"""The options of the docker runtime: which image, and what its container may use."""

from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.option_values import Bounds, Options, check_bytes, check_image, check_number
from apps.datastore.definition.places import MAX_LENGTH, StepFolder, file_in
from apps.datastore.definition.values import check_object, check_text, check_whole_number

DOCKERFILE = "Dockerfile"
FIELDS = ("type", "image", "dockerfile", "memory", "cpus", "pids")
# The engine itself takes no less and, of CPUs, counts in hundredths. How much of each a step may have, the server's
# settings say, and a deploy doesn't know them: these are what no machine has.
MEMORY = Bounds(6 * 2**20, 2**44, "at least 6 MiB (6,291,456 bytes), and at most 16 TiB")
CPUS = Bounds(0.01, 1024, "from 0.01 to 1024")
MAX_PIDS = 4_194_304


def docker_options(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder) -> Options | None:
    """With either `image`, or `dockerfile`: a path seen from the step's folder."""
    check_object(found, path, log, FIELDS)
    options: Options = {}
    if "image" in found and "dockerfile" in found:
        log.add(path, "must have either image or dockerfile, not both")
    if "image" in found:
        options["image"] = check_image(found["image"], at(path, "image"), log) or ""
    else:
        options["dockerfile"] = _dockerfile(found, path, log, folder) or ""
    if "memory" in found:
        options["memory"] = check_bytes(found["memory"], at(path, "memory"), log, MEMORY) or 0
    if "cpus" in found:
        options["cpus"] = check_number(found["cpus"], at(path, "cpus"), log, CPUS) or 0.0
    if "pids" in found:
        options["pids"] = check_whole_number(found["pids"], at(path, "pids"), log, 1, MAX_PIDS) or 0
    return options if all(options.values()) else None


def _dockerfile(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder) -> str | None:
    if "dockerfile" not in found:
        if folder.path is not None and f"{folder.path}/{DOCKERFILE}".lstrip("/") in folder.files:
            return DOCKERFILE
        if folder.path is not None:
            log.add(path, f"there is no {DOCKERFILE} in {folder}, and no image is named instead")
        return None
    text = check_text(found["dockerfile"], at(path, "dockerfile"), log, MAX_LENGTH, one_line=True)
    place = None if text is None else file_in(folder, text, at(path, "dockerfile"), log)
    if place is not None and place.startswith("../"):
        log.add(at(path, "dockerfile"), f"must be inside the step's folder: an image is built from {folder}")
        return None
    return place
